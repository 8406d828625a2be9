"""The newest labelled predictions: a ring of rows of floats, bounded by count and, if asked, by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

import numpy as np
import numpy.typing as npt

from recwatch.errors import QualityError

__all__ = ["Ring", "Window"]

Rows = npt.NDArray[np.float64]
_MOST_ROWS = 10_000_000


@dataclass(frozen=True)
class Window:
    """Which labelled predictions are judged: the newest `count`, of these the ones of the last `seconds`.

    Attributes:
        count: how many at most; also what bounds the memory.
        seconds: how long ago their labels were given at most; None for any time.

    Raises:
        QualityError: where a value cannot be used.
    """

    count: int = 1_000
    seconds: float | None = None

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= _MOST_ROWS:
            raise QualityError(f"a window's count must be 1 to {_MOST_ROWS}; got {self.count!r}")
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise QualityError(f"a window's seconds must be above 0; got {self.seconds!r}")


class Ring:
    """Rows in the order in which they were joined; a row costs the same however large the window is.

    Not safe for threads: its owner holds a lock.

    Args:
        window: how many rows are kept, and how long they count.
        width: floats in a row.
    """

    def __init__(self, window: Window, width: int) -> None:
        self.window = window
        self.joined = 0
        """Rows that were ever pushed."""
        self._row = Struct(f"{width + 1}d")
        self._buffer = bytearray(window.count * self._row.size)
        self._table: Rows = np.frombuffer(self._buffer, dtype=np.float64).reshape(window.count, width + 1)

    def push(self, at: float, row: Sequence[float]) -> None:
        """Add a row; the oldest one gives way.

        Args:
            at: when the label was given, in seconds since 1970.
            row: `width` floats.
        """
        place = self.joined % self.window.count
        self._row.pack_into(self._buffer, place * self._row.size, at, *row)
        self.joined += 1

    def extend(self, table: Rows) -> None:
        """Add rows of (time, *row), oldest first, such as `table` gave them."""
        for at, *row in table:
            self.push(at, row)

    def table(self) -> Rows:
        """A copy of all rows, oldest first: shape (rows, 1 + width), the time first."""
        if self.joined < self.window.count:
            return self._table[: self.joined].copy()
        return np.roll(self._table, -(self.joined % self.window.count), axis=0)

    def rows(self, now: float) -> Rows:
        """The rows that count now, oldest first: shape (rows, width).

        A label from the future, as a skewed clock says, counts.
        """
        table = self.table()
        if self.window.seconds is not None:
            table = table[table[:, 0] > now - self.window.seconds]
        return table[:, 1:]
