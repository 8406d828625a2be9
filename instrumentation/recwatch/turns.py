"""Let the other threads of a service have their turns while one computes for long.

Writing thousands of series is one long computation. A request that is served meanwhile needs the interpreter
several times, and three things would make it wait each time: Python lets a thread go on for 5 ms once it
runs; a full garbage collection, which so many new objects bring about, looks through all that the service
holds in one go (20 ms in a small service); and a list of tens of thousands of objects is freed in one go.
"""

import gc
import sys
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

__all__ = ["SHORT_TURNS", "ShortTurns", "let_go"]

_SECONDS = 0.0005


class ShortTurns:
    """Inside of the block threads take turns of half a millisecond, and no garbage is collected.

    Both are settings of the whole process: the first block that is entered makes them, the last one that is
    left takes them back. A block should be over within a second or so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._usual_seconds = 0.0
        self._collected = False

    def __enter__(self) -> Self:
        with self._lock:
            if self._inside == 0:
                self._usual_seconds = sys.getswitchinterval()
                sys.setswitchinterval(min(self._usual_seconds, _SECONDS))
                self._collected = gc.isenabled()
                gc.disable()
            self._inside += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                sys.setswitchinterval(self._usual_seconds)
                if self._collected:
                    gc.enable()


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
