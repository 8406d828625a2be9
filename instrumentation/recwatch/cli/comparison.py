"""Two runs side by side: which figure is better in which of them. Pure functions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recwatch.better import better

__all__ = ["Figure", "compare_figures", "differing"]

Winner = Literal["A", "B", "equal"]


@dataclass(frozen=True)
class Figure:
    """A figure of two runs.

    Attributes:
        name: what it is.
        a: the first run's; None where it has none.
        b: the second run's.
        difference: b - a; None where one is missing.
        percent: the difference in percent of a; None where one is missing or a is 0.
        better: the run whose figure is better; None where one is missing, or where neither is.
    """

    name: str
    a: float | None
    b: float | None
    difference: float | None
    percent: float | None
    better: Winner | None


def compare_figures(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> list[Figure]:
    """Every figure that one of the two runs has, in the first run's order."""
    return [_compare(name, _finite(a.get(name)), _finite(b.get(name))) for name in dict.fromkeys([*a, *b])]


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two mappings do not agree on, by key; None where one lacks it."""
    return {
        key: (a.get(key), b.get(key))
        for key in dict.fromkeys([*a, *b])
        if key not in a or key not in b or a[key] != b[key]
    }


def _compare(name: str, a: float | None, b: float | None) -> Figure:
    if a is None or b is None:
        return Figure(name, a, b, None, None, None)
    difference = b - a
    percent = difference / abs(a) * 100 if a else None
    sign = better(name).sign
    winner: Winner | None = None
    if sign:
        winner = "equal" if a == b else "B" if difference * sign > 0 else "A"
    return Figure(name, a, b, difference, percent, winner)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
