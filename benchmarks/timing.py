"""Time two pieces of work in turn, so that a machine whose speed drifts slows both alike."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """One line of the table: our way beside another, on the same work.

    Attributes:
        name: what was done.
        ours: median of our way, in `unit`.
        other: median of what it is compared with, in `unit`.
        against: what that is.
        target: what the ratio is to be at most; None where nothing was promised.
        unit: such as `s` or `µs a request`.
    """

    name: str
    ours: float
    other: float
    against: str
    target: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float:
        """Ours for each one of the other; infinite where the other takes nothing."""
        return self.ours / self.other if self.other else inf

    @property
    def reached(self) -> bool | None:
        """Whether the target was reached; None without one."""
        return None if self.target is None else self.ratio <= self.target


@dataclass(frozen=True)
class Figure:
    """One line of the table: a figure of our own that was promised as such.

    Attributes:
        name: what was measured.
        value: the median, in `unit`.
        unit: such as `rows/s`.
        target: what it is to be at least, or at most where `at_most` is set.
        at_most: which side of the target is good.
    """

    name: str
    value: float
    unit: str
    target: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the target was reached."""
        return self.value <= self.target if self.at_most else self.value >= self.target


def compare(
    name: str,
    ours: Callable[[], object],
    other: Callable[[], object],
    against: str,
    *,
    rounds: int = 7,
    target: float | None = None,
) -> Row:
    """Run both in turn, after one round to warm up, and keep the medians."""
    seconds: dict[str, list[float]] = {"ours": [], "other": []}
    for round_number in range(rounds + 1):
        for key, work in (("ours", ours), ("other", other)):
            begun = perf_counter()
            work()
            if round_number:
                seconds[key].append(perf_counter() - begun)
    return Row(name, statistics.median(seconds["ours"]), statistics.median(seconds["other"]), against, target)
