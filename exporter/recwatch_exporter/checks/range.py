"""range: how many rows hold a value that cannot be."""

import math
from typing import Self

import numpy as np
from pydantic import model_validator

from recwatch_exporter.checks.base import Direction, FloatArray, Options
from recwatch_exporter.checks.fact_type import ShareType

Bound = bool | int | float | str


def cells(low: float | None, high: float | None) -> tuple[FloatArray, int]:
    """Edges that part what is below, inside and above, and the number of the cell inside.

    A cell's number is how many edges are at or below a value, so that `low` and `high` are inside.

    Args:
        low: the least value that may be; None for no limit.
        high: the greatest one; None for no limit.
    """
    edges = [] if low is None else [low]
    inside = len(edges)
    if high is not None:
        edges.append(math.nextafter(high, math.inf))
    return np.asarray(edges, dtype=np.float64), inside


class RangeOptions(Options):
    """What may be; without any of them, what is in the reference."""

    low: float | None = None
    high: float | None = None
    values: tuple[Bound, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether there are limits."""
        return self.low is not None or self.high is not None

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}: exchange them")
        if self.bounded and self.values:
            raise ValueError("give one of the two: low and high for numbers, or values")
        if not self.bounded and not self.values and getattr(self, "reference", None) is None:
            raise ValueError(
                "range needs low, high or values; or a reference, of which it takes them: add one"
            )
        return self


RANGE = ShareType(
    name="range",
    statistic="share of the values outside low and high, or not among values",
    effect_size="the statistic less the reference's share; without a reference, the statistic",
    bad=Direction.HIGH,
    null="values lie where they may; limits taken from the reference leave out none of its own values",
    p_value="none: a value that cannot be is a fact, so the threshold alone decides",
    source=(
        "validity as in ISO/IEC 25012 and Breck et al., Data Validation for Machine Learning, MLSys 2019, "
        "section 4"
    ),
    default_threshold=0.01,
    options=RangeOptions,
    undefined="the current window holds no value: write values, or choose another column",
)
