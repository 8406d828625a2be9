"""Check types that compare vectors that share an id."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from recwatch_exporter.checks.base import CheckType, Options
from recwatch_exporter.data import Pairs

Stream = Callable[[], Iterable[Pairs]]
"""Reads the vectors of the ids that both windows have; each call reads them anew, a chunk at a time."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms vectors are compared.

    Attributes:
        threshold: of the check.
        seed: of what is drawn at random.
        options: the type's own keys.
    """

    threshold: float
    seed: int
    options: Options


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison of vectors gave.

    Attributes:
        statistic: NaN without an id to compare.
        n_compared: ids that the statistic rests on.
        left_out: shared ids of which a vector cannot be compared.
        details: what else there is to say.
    """

    statistic: float
    n_compared: int
    left_out: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VectorType(CheckType):
    """A type that compares vectors that share an id.

    Attributes:
        compare: takes the vectors of both windows, and gives the statistic.
    """

    compare: Callable[[Stream, Terms], Compared]
    has_p_value: bool = False
    columns: Literal["each", "together", "one", "none"] = "one"
    key: Literal["required", "none"] = "required"
    clusters: bool = False
    profiled: bool = False
