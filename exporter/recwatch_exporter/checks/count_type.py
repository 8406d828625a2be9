"""Check types that compare how often each value occurs."""

from collections.abc import Callable
from dataclasses import dataclass

from recwatch_exporter.checks.base import CheckType, FloatArray


@dataclass(frozen=True, kw_only=True)
class CountType(CheckType):
    """A type that compares how often each value occurs.

    Attributes:
        compare: takes counts of the reference and of the current window, both (..., values) over the same
            values in ascending order, and gives the statistic (...); NaN where it is not defined.
        numeric: whether values must be numbers.
        beyond_chance: whether the effect size is the statistic less its mean over the permutations, for a
            statistic that is far above 0 on small windows even where nothing has changed.
    """

    compare: Callable[[FloatArray, FloatArray], FloatArray]
    numeric: bool = False
    beyond_chance: bool = False
