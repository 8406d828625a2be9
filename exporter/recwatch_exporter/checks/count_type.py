"""Check types that compare how often each value occurs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from recwatch_exporter.checks.base import CheckType, FloatArray, Options
from recwatch_exporter.data import Moments
from recwatch_exporter.statistics.chance import Chance

Compare = Callable[..., FloatArray]
"""`compare(values, reference, current, **options)`: values (values,) in ascending order, counts of the
reference and of the current window (..., values); gives (...), NaN where it is not defined. Every option
has a default."""


class BinOptions(Options):
    """Keys of the types that look at bins."""

    bins: Annotated[int, Field(ge=2, le=1000)] = 10
    categorical: bool = False


@dataclass(frozen=True, kw_only=True)
class Exact:
    """What is known of two windows of numbers beyond counts of cells.

    Attributes:
        reference: the reference window's moments.
        current: the current window's.
        distances: gives Kolmogorov-Smirnov's and Wasserstein's distance of the numbers themselves; None where
            a profile stands in for the reference.
    """

    reference: Moments
    current: Moments
    distances: Callable[[], tuple[float, float]] | None


@dataclass(frozen=True, kw_only=True)
class CountType(CheckType):
    """A type that compares how often each value occurs.

    Attributes:
        compare: the statistic.
        effect: what the effect size is made from, where that is another figure than the statistic.
        chance: how much of it is left when chance is taken away: with few rows, or few users, most distances
            are far from 0 even where nothing has changed.
        of: `numbers`: amounts, of which a fine grid will do where there are too many to count each; `values`:
            anything, each value by itself unless `options` are `BinOptions`; `items`: ids of what is chosen.
        amounts: whether it matters how far two values lie apart, not only which is the larger.
        exact: the statistic from more than the grid, and details in place of the grid's; None where the grid
            is all there is. Only for types of numbers.
        contributions: what each value (or bin) adds to the statistic, (values,), from counts (values,).
        describe: more details, from what `compare` takes.
    """

    compare: Compare
    effect: Compare | None = None
    chance: Chance = Chance.KEPT
    of: Literal["numbers", "values", "items"] = "values"
    amounts: bool = False
    exact: Callable[[Exact], tuple[float, Mapping[str, float]] | None] | None = None
    contributions: Callable[[FloatArray, FloatArray], FloatArray] | None = None
    describe: Callable[..., Mapping[str, Any]] | None = None

    @property
    def binned(self) -> bool:
        """Whether numbers that take many values are put into bins."""
        return issubclass(self.options, BinOptions)
