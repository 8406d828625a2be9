"""Metrics that several processes write, and that never raise or crash for the state of the folder.

Where `PROMETHEUS_MULTIPROC_DIR` is set, making a series writes to a file that is mapped into memory. In a
folder that is missing or read-only that raises; on a full disk it is not even an error, but the end of the
process (SIGBUS). The metrics here look first, and give a series that keeps nothing instead.
"""

import errno
import os
from collections.abc import Callable
from typing import Any, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from recwatch import shared
from recwatch.multiprocess import folder

__all__ = ["Guarded", "Unrecorded", "guarded"]

Declared = TypeVar("Declared")
# A new series touches a page or two of its file, a new file one more; many processes may be at it at once.
_LEAST_FREE_BYTES = 1 << 20


class Unrecorded:
    """Stands in for a metric or a series that cannot be kept: takes everything, does nothing."""

    def labels(self, *_values: object, **_named: object) -> "Unrecorded":
        """Any series of it is this one."""
        return self

    def inc(self, *_: object) -> None:
        """Nothing."""

    dec = set = observe = remove = inc


class Guarded:
    """Mixed into a labelled metric: its `labels` never raises `OSError`.

    Attributes:
        refused: told why a series is not kept.
    """

    refused: Callable[[OSError], object] = staticmethod(lambda _: None)

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Any:
        """The series of these label values; one that keeps nothing where the folder takes no more."""
        known: dict[tuple[object, ...], Any] = self.__dict__.setdefault("_known", {})
        key = (*labelvalues, *sorted(labelkwargs.items()))
        series = known.get(key)
        if series is not None:
            return series
        try:
            _look_for_room()
            series = known[key] = super().labels(*labelvalues, **labelkwargs)  # type: ignore[misc]
        except OSError as error:
            self.refused(error)
            return Unrecorded()
        return series


class _Counter(Guarded, shared.Counter):
    pass


class _Gauge(Guarded, Gauge):
    pass


class _Histogram(Guarded, shared.Histogram):
    pass


_GUARDED: dict[object, Any] = {Counter: _Counter, Gauge: _Gauge, Histogram: _Histogram}


def guarded(build: Callable[..., Declared]) -> Callable[..., Declared]:
    """The guarded kind of a metric class, where several processes write; the class itself elsewhere."""
    found: Callable[..., Declared] = build if folder() is None else _GUARDED.get(build, build)
    return found


def _look_for_room() -> None:
    path = folder()
    if path is None:
        return
    state = os.statvfs(path)
    if state.f_bavail * state.f_frsize < _LEAST_FREE_BYTES:
        raise OSError(errno.ENOSPC, "too little room for another series", str(path))
