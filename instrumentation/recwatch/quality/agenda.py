"""When is which id due? A heap from which ids that are no longer kept are swept out, a few at a time."""

import heapq
from collections.abc import Collection, Iterable

__all__ = ["Agenda"]

# A few that are over cost less than looking for them.
_FEW = 1_000


class Agenda:
    """Ids in the order in which they are due. Not safe for threads: its owner holds a lock.

    Adding costs O(log n). Nothing is ever taken out of the middle of the heap: `sweep` leaves out what is
    over, in parts, so that nobody waits for all of it.

    Args:
        entries: (when due, id), in any order.
    """

    def __init__(self, entries: Iterable[tuple[float, str]] = ()) -> None:
        self._heap = list(entries)
        heapq.heapify(self._heap)
        self._unswept: list[tuple[float, str]] = []
        self._swept = 0

    def __len__(self) -> int:
        return len(self._heap) + len(self._unswept) - self._swept

    def add(self, at: float, key: str) -> None:
        """An id is due at a time; it may be there already."""
        heapq.heappush(self._heap, (at, key))

    def pop(self, now: float) -> str | None:
        """Take off the id that has been due for longest; None where none is. Call it once all is swept."""
        if not self._heap or self._heap[0][0] >= now:
            return None
        return heapq.heappop(self._heap)[1]

    def sweep(self, kept: Collection[str], most: int) -> bool:
        """Leave out ids that are no longer kept, once they are as many as the others.

        Args:
            kept: ids that are still of use.
            most: how many entries to look at.

        Returns:
            Whether there is more to do.
        """
        if not self._unswept:
            if len(self._heap) <= 2 * len(kept) + _FEW:
                return False
            self._unswept, self._heap = self._heap, []
        # From the front, where what is due first is: pushed in that order, it need not climb.
        for entry in self._unswept[self._swept : self._swept + most]:
            if entry[1] in kept:
                heapq.heappush(self._heap, entry)
        self._swept += most
        if self._swept < len(self._unswept):
            return True
        self._unswept, self._swept = [], 0
        return False
