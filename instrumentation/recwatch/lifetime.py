"""What works in a thread of its own has to begin anew after a fork, and to write what waits before the end.

At the interpreter's exit `atexit` sees to that. But a server may end its process without it: uvicorn sends
itself the signal that it was ended by. So an ASGI application's shutdown calls `flush_all` (`recwatch.asgi`).
"""

import atexit
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["EXIT_SECONDS", "flush_all", "keep"]

Owner = TypeVar("Owner")
EXIT_SECONDS = 5.0
"""How long the end of an application, or of the interpreter, may be held up by all together."""


@dataclass(frozen=True)
class _Hooks:
    after_fork: Callable[[Any], object] | None
    flush: Callable[[Any, float], object] | None
    at_exit: Callable[[Any, float], object] | None


_kept: WeakKeyDictionary[Any, _Hooks] = WeakKeyDictionary()
_lock = threading.Lock()
_registered = False


def keep(
    owner: Owner,
    *,
    after_fork: Callable[[Owner], object] | None = None,
    flush: Callable[[Owner, float], object] | None = None,
    at_exit: Callable[[Owner, float], object] | None = None,
) -> None:
    """Call these as long as the owner lives; it is not kept alive.

    Args:
        owner: given to each of them.
        after_fork: called in the child before anything else runs there.
        flush: called when an application ends and the process may, with the seconds that it may take.
        at_exit: called at the interpreter's exit, with the seconds that it may take.
    """
    global _registered  # noqa: PLW0603 - hooks of the process are set once
    with _lock:
        _kept[owner] = _Hooks(after_fork, flush, at_exit)
        if not _registered:
            _registered = True
            atexit.register(_exit)
            os.register_at_fork(after_in_child=_forked)


def flush_all(timeout: float = EXIT_SECONDS) -> None:
    """Write what waits, everywhere in the process, and go on.

    Args:
        timeout: seconds that all may take together.
    """
    end = monotonic() + timeout
    for owner, hooks in _youngest_first():
        if hooks.flush is not None:
            hooks.flush(owner, max(end - monotonic(), 0.0))


def _youngest_first() -> list[tuple[Any, _Hooks]]:
    """A queue is made after what it is emptied into, so it is to be emptied before."""
    with _lock:
        return list(_kept.items())[::-1]


def _exit() -> None:
    end = monotonic() + EXIT_SECONDS
    for owner, hooks in _youngest_first():
        if hooks.at_exit is not None:
            hooks.at_exit(owner, max(end - monotonic(), 0.0))


def _forked() -> None:
    global _lock  # noqa: PLW0603 - a thread that is not there may hold it
    _lock = threading.Lock()
    for owner, hooks in _youngest_first():
        if hooks.after_fork is not None:
            hooks.after_fork(owner)
