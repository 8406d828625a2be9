"""Let the other threads of a service have their turns while one computes for long.

Writing thousands of series is one long computation. A request that is served meanwhile needs the interpreter
several times, and three things would make it wait each time: Python lets a thread go on for 5 ms once it
runs; a full garbage collection, which so many new objects bring about, looks through all that the service
holds in one go (20 ms in a small service); and a list of tens of thousands of objects is freed in one go.
"""

import gc
import sys
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from types import TracebackType
from typing import Any, Self

from recwatch.lifetime import keep

__all__ = ["SHORT_TURNS", "ShortTurns", "let_go"]

_SECONDS = 0.0005
# Whoever asks for one scrape after another must not keep the collector from the service's garbage.
_MOST_SECONDS_WITHOUT_COLLECTION = 1.0


class ShortTurns:
    """Inside of the block threads take turns of half a millisecond, and no garbage is collected.

    Both are settings of the whole process: the first block that is entered makes them, the last one that is
    left takes them back, as does a child that is forked off. A block should be over within a second or so;
    where blocks follow one another or overlap, garbage is collected half of the time at least.

    Args:
        clock: tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._kept = False
        self._usual_seconds = 0.0
        self._paused = False
        self._owed = 0.0
        self._looked = clock()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self.alone = threading.RLock()
        """For what would take too long beside others of its kind: one at a time may hold it."""
        self._inside = 0

    def __enter__(self) -> Self:
        if not self._kept:
            self._kept = True
            keep(self, after_fork=ShortTurns._forked)
        with self._lock:
            self._look()
            if self._inside == 0:
                self._usual_seconds = sys.getswitchinterval()
            self._inside += 1  # before anything is set: another thread may fork at any point
            if self._inside == 1:
                sys.setswitchinterval(min(self._usual_seconds, _SECONDS))
                if gc.isenabled() and self._owed < _MOST_SECONDS_WITHOUT_COLLECTION:
                    self._paused = True
                    gc.disable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._look()
            if self._inside == 0:  # entered before a fork
                return
            self._inside -= 1
            if self._inside == 0:
                self._take_back()

    def _look(self) -> None:
        """Count the time without collection, and take from it the time since; end it where it is too long."""
        now = self._clock()
        passed = now - self._looked
        self._looked = now
        self._owed = self._owed + passed if self._paused else max(0.0, self._owed - passed)
        if self._paused and self._owed >= _MOST_SECONDS_WITHOUT_COLLECTION:
            self._collect()

    def _collect(self) -> None:
        if self._paused:
            self._paused = False
            gc.enable()

    def _take_back(self) -> None:
        sys.setswitchinterval(self._usual_seconds)
        self._collect()

    def _forked(self) -> None:
        # The thread that was inside is not there, or it is this one and leaves a block of nobody's.
        if self._inside:
            self._take_back()
        self._begin()


SHORT_TURNS = ShortTurns()
"""The one that all share, as the settings are the process's."""


def let_go(containers: Iterable[list[Any] | dict[Any, Any]]) -> None:
    """Empty lists and dicts one item at a time."""
    for container in containers:
        if isinstance(container, dict):
            while container:
                container.popitem()
        else:
            while container:
                container.pop()
