"""Check types that hold rows of numbers, all columns together, against each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recwatch_exporter.checks.base import CheckType, Frozen, Options
from recwatch_exporter.data import Rows


@dataclass(frozen=True, kw_only=True)
class SampleTerms:
    """On what terms rows are compared.

    Attributes:
        columns: names of the columns, or the one name of a column of vectors.
        seed: of what is drawn at random.
        permutations: how many for the p-value.
        alpha: p-values above it tell of no drift.
        options: the type's own keys.
        clustered: whether rows come with clusters.
        go_on: called now and then; raises when the time is over.
    """

    columns: tuple[str, ...]
    seed: int
    permutations: int
    options: Options
    alpha: float = 0.05
    clustered: bool = False
    go_on: Callable[[], None] = lambda: None

    def names(self, dimensions: int) -> tuple[str, ...]:
        """A name for each number of a row: its column, or its place in the vector."""
        if len(self.columns) == dimensions:
            return self.columns
        return tuple(f"{self.columns[0]}[{place}]" for place in range(dimensions))


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What a comparison of rows gave.

    Attributes:
        statistic: NaN where a window has too few rows for it.
        p_value: None where the statistic is NaN.
        effect_size: what is held against the threshold, where that is another figure than the statistic.
        details: what else there is to say.
    """

    statistic: float
    p_value: float | None
    effect_size: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SampleType(CheckType):
    """A type that holds rows of numbers against each other.

    Attributes:
        freeze: takes the rows of the reference, and gives all that is needed of them; among it `rows` and
            `left_out`, both 0-dimensional.
        compare: takes what was frozen and the rows of the current window.
    """

    freeze: Callable[[Rows, SampleTerms], Frozen]
    compare: Callable[[Frozen, Rows, SampleTerms], Sampled]
    columns: Literal["each", "together", "one", "none"] = "together"
