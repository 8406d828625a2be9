"""Time two pieces of work in turn, so that a machine whose speed drifts slows both alike."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what was done.
        ours: median seconds of our way.
        other: median seconds of what it is compared with.
        against: what that is.
    """

    name: str
    ours: float
    other: float
    against: str

    @property
    def ratio(self) -> float:
        """Our seconds for each second of the other."""
        return self.ours / self.other


def compare(
    name: str, ours: Callable[[], object], other: Callable[[], object], against: str, *, rounds: int = 7
) -> Row:
    """Run both in turn, after one round to warm up, and keep the medians."""
    seconds: dict[str, list[float]] = {"ours": [], "other": []}
    for round_number in range(rounds + 1):
        for key, work in (("ours", ours), ("other", other)):
            begun = perf_counter()
            work()
            if round_number:
                seconds[key].append(perf_counter() - begun)
    return Row(name, statistics.median(seconds["ours"]), statistics.median(seconds["other"]), against)
