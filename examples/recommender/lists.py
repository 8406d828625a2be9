"""The newest list that each user was shown, and what he took from it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Listing:
    """What a list is known by.

    Attributes:
        list_id: names it.
        variant: the arm of the test that makes it.
        judged: whether what was taken from it is told in the end.
    """

    list_id: str
    variant: str
    judged: bool = True


@dataclass
class Shown:
    """A list that waits for what is taken from it.

    Attributes:
        listing: what it is known by.
        items: that it holds.
        at: when it was shown, in seconds of the clock.
        taken: of these, in the order of taking.
    """

    listing: Listing
    items: frozenset[int]
    at: float
    taken: list[int] = field(default_factory=list)


class ShownLists:
    """Joins what users do with the newest list of theirs. Safe to use from several threads.

    A list is settled, once, when its user is shown another one or its time is over: then all that was taken
    from it is told at once, as `recwatch.quality.Ranking` wants it, or that nothing was.

    Args:
        settle: called with a judged list's name and what was taken from it.
        wait_seconds: how long a list waits.
        capacity: lists that wait at most; beyond it the oldest is settled before its time.
        clock: tells seconds.
    """

    def __init__(
        self,
        settle: Callable[[str, list[int]], object],
        *,
        wait_seconds: float,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settle = settle
        self._wait_seconds = wait_seconds
        self._capacity = capacity
        self._clock = clock
        self._lists: OrderedDict[int, Shown] = OrderedDict()  # by user, the oldest list first
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Lists that wait."""
        return len(self._lists)

    def show(self, listing: Listing, user_id: int, items: Sequence[int]) -> None:
        """A user is shown a list."""
        shown = Shown(listing, frozenset(items), self._clock())
        with self._lock:
            over = [self._lists.pop(user_id)] if user_id in self._lists else []
            if len(self._lists) >= self._capacity:
                over.append(self._lists.popitem(last=False)[1])
            self._lists[user_id] = shown
        self._tell(over)

    def take(self, user_id: int, item_id: int) -> str | None:
        """A user took an item; the arm that made his newest list if it is from there, else None."""
        with self._lock:
            shown = self._lists.get(user_id)
            if shown is None or item_id not in shown.items:
                return None
            if item_id not in shown.taken:
                shown.taken.append(item_id)
            return shown.listing.variant

    def settle_due(self) -> None:
        """Settle the lists whose time is over; whoever owns this calls it now and then."""
        latest = self._clock() - self._wait_seconds
        over = []
        with self._lock:
            while self._lists and next(iter(self._lists.values())).at <= latest:
                over.append(self._lists.popitem(last=False)[1])
        self._tell(over)

    def close(self) -> None:
        """Nothing more is told: settle what something was taken from, as the rest might still have been."""
        with self._lock:
            over = [shown for shown in self._lists.values() if shown.taken]
            self._lists.clear()
        self._tell(over)

    def _tell(self, over: list[Shown]) -> None:
        for shown in (shown for shown in over if shown.listing.judged):
            self._settle(shown.listing.list_id, shown.taken)
