"""Metrics that several processes write, and that never raise or crash for the state of the folder.

Where `PROMETHEUS_MULTIPROC_DIR` is set, making a series writes to a file that is mapped into memory. In a
folder that is missing or read-only that raises; on a full disk it is not even an error, but the end of the
process (SIGBUS). The metrics here look first, make a folder that nobody has made yet, and where there is no
room give a series that counts what it loses and tries again.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from recwatch.multiprocess import folder

__all__ = ["Guarded", "Postponed", "Unrecorded"]

# A new series touches a page or two of its file, a new file one more; many processes may be at it at once.
_LEAST_FREE_BYTES = 1 << 20
_SECONDS_BETWEEN_TRIES = 1.0


class Unrecorded:
    """Stands in for a metric that cannot be kept: takes everything, does nothing."""

    def labels(self, *_values: object, **_named: object) -> "Unrecorded":
        """Any series of it is this one."""
        return self

    def inc(self, *_: object) -> None:
        """Nothing."""

    dec = set = observe = remove = inc


class Postponed:
    """Stands in for a series that the folder did not take: a write tries again, at most once a second.

    Args:
        make: makes the series; raises `OSError` where it still cannot be kept.
        lost: told of each write that is lost, and why.
        error: why the series could not be made at first.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        lost: Callable[[OSError], object],
        error: OSError,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._make = make
        self._lost = lost
        self._error = error
        self._clock = clock
        self._series: Any = None
        self._next_try = clock() + _SECONDS_BETWEEN_TRIES

    def _find(self) -> Any:
        """The series; None where there is none yet, and the write is lost."""
        if self._series is None and self._clock() >= self._next_try:
            self._next_try = self._clock() + _SECONDS_BETWEEN_TRIES
            try:
                self._series = self._make()
            except OSError as error:
                self._error = error
        if self._series is None:
            self._lost(self._error)
        return self._series

    def inc(self, *args: Any) -> None:
        """Count on."""
        if (series := self._find()) is not None:
            series.inc(*args)

    def dec(self, *args: Any) -> None:
        """Count back."""
        if (series := self._find()) is not None:
            series.dec(*args)

    def set(self, value: float) -> None:
        """Set a gauge."""
        if (series := self._find()) is not None:
            series.set(value)

    def observe(self, *args: Any) -> None:
        """Count an observation."""
        if (series := self._find()) is not None:
            series.observe(*args)


class Guarded:
    """Mixed into a labelled metric: its `labels` never raises `OSError`.

    Attributes:
        refused: told of each write that is lost, and why.
    """

    refused: Callable[[OSError], object] = staticmethod(lambda _: None)

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Any:
        """The series of these label values; where the folder takes no more, one that tries again."""
        known: dict[tuple[object, ...], Any] = self.__dict__.setdefault("_known", {})
        key = (*labelvalues, *sorted(labelkwargs.items()))
        series = known.get(key)
        if series is not None:
            return series
        find = super().labels  # type: ignore[misc]

        def make() -> Any:
            _look_for_room()
            known[key] = found = find(*labelvalues, **labelkwargs)
            return found

        try:
            return make()
        except OSError as error:
            return known.setdefault(key, Postponed(make, self.refused, error))


_used: set[Path] = set()


def _look_for_room() -> None:
    """See that the folder is there and takes another series; one that was taken away is not made again.

    Files of this process that went with it are still mapped: what they count would be lost without a word.

    Raises:
        OSError: when it does not.
    """
    path = folder()
    if path is None:
        return
    if path not in _used:
        path.mkdir(parents=True, exist_ok=True)
    state = os.statvfs(path)
    if state.f_bavail * state.f_frsize < _LEAST_FREE_BYTES:
        raise OSError(errno.ENOSPC, "too little room for another series", str(path))
    _used.add(path)
