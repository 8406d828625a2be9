"""Append lines to a file that several processes share, and put it aside when it is full or old.

Each line is one `write` to a file opened with O_APPEND, so lines of several processes do not mix (on a local
file system; see open(2)). Before it a process looks whether the path still names the file that it has open,
after it whether that file is still in any folder; else it opens the path and, in the second case, writes the
line again. So no line is lost to a rotation, ours or logrotate's. One process at a time rotates, under a lock
on `.<name>.lock` that nobody waits for: who does not get it goes on writing.
"""

import fcntl
import logging
import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from recwatch.log_rotation import Rotation, find_rotated, next_name, surplus
from recwatch.metrics import DroppedWrites

__all__ = ["REASONS", "TARGET", "LogFile"]

TARGET = "log"
REASONS = ("unwritable", "unformattable", "not rotated")
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_REPORT_EVERY_SECONDS = 60.0
_RETRY_ROTATION_SECONDS = 60.0
_CLEAN_UP_EVERY_SECONDS = 3600.0


class LogFile(logging.Handler):
    """Appends each record as a line; what cannot be written costs a count, never an exception.

    Args:
        path: the file; its folder is made now, and not again should it be removed.
        rotation: None never rotates.
        on_error: called for each line that is lost, instead of the count and the line on standard error.
        registry: where lost lines are counted.

    Raises:
        OSError: when the file cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        rotation: Rotation | None,
        on_error: Callable[[], None] | None,
        registry: CollectorRegistry,
    ) -> None:
        # A service may change its working directory; the log stays where it was.
        self._path = path.absolute()
        # First, as `logging` would close a handler at exit that has no file to close.
        self._file = _open_first(self._path)
        super().__init__()
        self._rotation = rotation
        self._on_error = on_error
        self._registry = registry
        if on_error is None:
            DroppedWrites.of(registry).expect(TARGET, *REASONS)
        self._reported: dict[str, float] = {}
        self._rotate_after = self._clean_up_after = 0.0
        self._torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; called by `logging` with the handler's lock held."""
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception as error:  # noqa: BLE001 - a record that cannot be formatted, such as by wrong arguments
            self._lose("unformattable", error)
            return
        try:
            self._append(line)
        except OSError as error:
            self._lose("unwritable", error)

    def close(self) -> None:
        """Close the file. A line that comes later opens it again."""
        self.acquire()
        try:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
        finally:
            self.release()
            super().close()

    def _append(self, line: bytes) -> None:
        status = self._current()
        now = time.time()
        if self._rotation is not None and stat.S_ISREG(status.st_mode):
            if self._rotation.is_due(status.st_size, status.st_mtime, now, more=len(line)):
                self._put_aside(status)
            elif now >= self._clean_up_after:
                self._clean_up()
        self._write(line)
        # Put aside and deleted since we looked: unlikely, but then the line would be gone.
        if os.fstat(self._file).st_nlink == 0:
            self._open()
            self._write(line)

    def _current(self) -> os.stat_result:
        """See that the open file is the one that the path names."""
        try:
            named = self._path.stat()
        except FileNotFoundError:
            named = None
        if self._file >= 0:
            ours = os.fstat(self._file)
            if named is not None and os.path.samestat(ours, named):
                return named
        self._open()
        return os.fstat(self._file)

    def _open(self) -> None:
        opened = os.open(self._path, _FLAGS, 0o666)
        if self._file >= 0:
            os.close(self._file)
        self._file = opened
        self._torn = False

    def _write(self, line: bytes) -> None:
        # On a full disk a part of a line may stand there: end it, so that it costs no other.
        whole = memoryview(b"\n" + line if self._torn else line)
        written = 0
        try:
            while written < len(whole):
                written += os.write(self._file, whole[written:])
        finally:
            if written:
                self._torn = written < len(whole)

    def _put_aside(self, seen: os.stat_result) -> None:
        """Rename the file, unless another process is at it or has done so."""
        now = time.monotonic()
        if now < self._rotate_after:
            return
        try:
            with _Turn(self._path) as mine:
                if mine and self._is_still(seen):
                    # Where logrotate is faster, there is nothing to rename.
                    with suppress(FileNotFoundError):
                        self._path.rename(next_name(self._path, find_rotated(self._path), datetime.now(UTC)))
                    self._remove_surplus()
            self._current()
        except OSError as error:
            # The line is written all the same, to a file that is too large; not every line shall try again.
            self._rotate_after = now + _RETRY_ROTATION_SECONDS
            self._report("not rotated", error)

    def _is_still(self, seen: os.stat_result) -> bool:
        """Whether nobody has renamed the file, with or without a new one in its place."""
        try:
            return os.path.samestat(seen, self._path.stat())
        except FileNotFoundError:
            return False

    def _clean_up(self) -> None:
        """What has become too old goes also where nothing is rotated."""
        self._clean_up_after = time.time() + _CLEAN_UP_EVERY_SECONDS
        try:
            with _Turn(self._path) as mine:
                if mine:
                    self._remove_surplus()
        except OSError as error:
            self._report("not rotated", error)

    def _remove_surplus(self) -> None:
        if self._rotation is not None:
            for rotated in surplus(self._rotation, find_rotated(self._path), datetime.now(UTC)):
                rotated.path.unlink(missing_ok=True)

    def _lose(self, reason: str, error: Exception) -> None:
        if self._on_error is None:
            self._report(reason, error)
        else:
            self._on_error()

    def _report(self, reason: str, error: Exception) -> None:
        # Not `DroppedWrites.drop`: its own line would come back here.
        DroppedWrites.of(self._registry).total.labels(TARGET, reason).inc()
        now = time.monotonic()
        if now - self._reported.get(reason, -_REPORT_EVERY_SECONDS) < _REPORT_EVERY_SECONDS:
            return
        self._reported[reason] = now
        at = time.strftime("%Y-%m-%d %H:%M:%S")
        # A service may run without standard error, or with one that is closed.
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{at} | ERROR | Log {reason} | file={self._path}, error={error!r}\n")


def _open_first(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, _FLAGS, 0o666)
    except OSError as error:
        why = f"the log cannot be opened: {error.strerror}: name a file that may be written"
        raise OSError(error.errno, why, str(path)) from error


class _Turn:
    """Whether it is this process's turn to rotate a file; a lock ends with the process that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name}.lock")

    def __enter__(self) -> bool:
        self._lock = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except BaseException:
            os.close(self._lock)
            raise
        return True

    def __exit__(self, *_exception: object) -> None:
        os.close(self._lock)
