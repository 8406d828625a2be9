"""What a check type is: a statistic, and the words that say how to read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Direction(StrEnum):
    """Where drift lies."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A check type; `docs/drift.md` is made from these words.

    Attributes:
        name: the id: of the module, of the label `type`, of the heading in the docs.
        statistic: what is computed.
        effect_size: what is held against the threshold.
        bad: whether a high or a low effect size is drift.
        null: what no drift means for this type.
        p_value: how the p-value comes about, or why there is none.
        source: where the formula is written down.
        lowest_threshold: the lowest threshold that makes sense.
        highest_threshold: the highest one.
    """

    name: str
    statistic: str
    effect_size: str
    bad: Direction
    null: str
    p_value: str
    source: str
    lowest_threshold: float
    highest_threshold: float


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


@dataclass(frozen=True, kw_only=True)
class VectorType(CheckType):
    """A type that compares vectors that share an id.

    Attributes:
        compare: takes vectors of the reference and of the current window, both (rows, dimensions), row by
            row of the same id, and gives (rows,).
    """

    compare: Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a check found, before anybody judges it.

    Attributes:
        statistic: NaN where it is not defined.
        effect_size: in the unit of the threshold.
        p_value: None where the type has none, or where it could not be computed.
        n_reference: rows of the reference window.
        n_current: rows of the current window.
        n_compared: the rows that the statistic rests on, of the side that has fewer.
        details: what else the type has to say; anything that JSON can hold.
    """

    statistic: float
    effect_size: float
    p_value: float | None
    n_reference: int
    n_current: int
    n_compared: int
    details: Mapping[str, Any] = field(default_factory=dict)
