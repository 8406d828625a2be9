"""When a log file is full or old, what it is called then, and which of the old ones go."""

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recwatch.errors import ConfigError

__all__ = ["Rotated", "Rotation", "find_rotated", "next_name", "surplus"]

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_STAMPED = re.compile(r"\.(?P<stamp>\d{8}T\d{6}\.\d{6}Z)")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """When a log file is put aside and a new one begun, and how much of what was put aside stays.

    What is put aside is called after the time, `service.log.20250116T000000.000123Z` (UTC). A limit that is
    None does not count; where several are given, a file goes as soon as one of them says so.

    Args:
        max_bytes: put aside before a line would make the file larger. What other processes write while one
            of them does so may exceed it.
        every: put aside what an earlier period wrote. Periods begin at local midnight and every so much after
            it: `timedelta(days=1)` is a file a day, `timedelta(hours=1)` one an hour.
        keep: files put aside that stay.
        keep_bytes: bytes that they may have together.
        keep_for: how long ago they may have been put aside.

    Raises:
        ConfigError: when neither `max_bytes` nor `every` is given, or a limit makes no sense.
    """

    max_bytes: int | None = 100_000_000
    every: timedelta | None = None
    keep: int | None = 10
    keep_bytes: int | None = None
    keep_for: timedelta | None = None

    def __post_init__(self) -> None:
        if self.max_bytes is None and self.every is None:
            raise ConfigError("a rotation without max_bytes and every would never happen: give one of them")
        for name, lowest in (("max_bytes", 1), ("keep", 0), ("keep_bytes", 0)):
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise ConfigError(f"{name} is {value}: give at least {lowest}, or None for no limit")
        for name in ("every", "keep_for"):
            value = getattr(self, name)
            if value is not None and value <= timedelta(0):
                raise ConfigError(f"{name} is {value}: give a time above 0, or None for no limit")

    def is_due(self, size: int, last_write: float, now: float, *, more: int) -> bool:
        """Whether a file is to be put aside before the next line.

        Args:
            size: of the file, in bytes.
            last_write: when anybody last wrote to it, in seconds since 1970.
            now: likewise.
            more: bytes of the next line.
        """
        if size == 0:
            return False
        if self.max_bytes is not None and size + more > self.max_bytes:
            return True
        return self.every is not None and _period(last_write, self.every) < _period(now, self.every)


@dataclass(frozen=True)
class Rotated:
    """A file that was put aside.

    Attributes:
        path: where it is.
        at: when it was put aside, aware.
        size: in bytes.
    """

    path: Path
    at: datetime
    size: int


def find_rotated(path: Path) -> list[Rotated]:
    """What was put aside of a log file, newest first."""
    found = []
    for other in path.parent.glob(f"{_literal(path.name)}.*"):
        match = _STAMPED.fullmatch(other.name.removeprefix(path.name))
        if match is None:
            continue
        try:
            at = datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)
            found.append(Rotated(other, at, other.stat().st_size))
        except (ValueError, FileNotFoundError):
            # Not a time after all, or another process has just removed it.
            continue
    return sorted(found, key=lambda rotated: rotated.at, reverse=True)


def next_name(path: Path, before: Sequence[Rotated], now: datetime) -> Path:
    """Where to put a file aside: later than all before, also where the clock was set back.

    Args:
        path: the log file.
        before: what was put aside before, newest first.
        now: aware.
    """
    at = now.astimezone(UTC)
    if before and at <= before[0].at:
        at = before[0].at + _MICROSECOND
    return path.with_name(f"{path.name}.{at.strftime(_STAMP)}")


def surplus(rotation: Rotation, found: Iterable[Rotated], now: datetime) -> list[Rotated]:
    """Which files go.

    Args:
        rotation: the limits.
        found: what was put aside, newest first.
        now: aware.
    """
    gone, total = [], 0
    for position, rotated in enumerate(found):
        total += rotated.size
        if (
            (rotation.keep is not None and position >= rotation.keep)
            or (rotation.keep_bytes is not None and total > rotation.keep_bytes)
            or (rotation.keep_for is not None and now - rotated.at > rotation.keep_for)
        ):
            gone.append(rotated)
    return gone


def _period(at: float, every: timedelta) -> int:
    """The number of the period that a time falls into, counted on the local clock."""
    return int((at + time.localtime(at).tm_gmtoff) // every.total_seconds())


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
