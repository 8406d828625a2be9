"""A process has memory left."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from recwatch.errors import ConfigError, HealthError
from recwatch.health.memory_limit import find_limit
from recwatch.health.result import Measured

__all__ = ["Memory"]

_STATM = Path("/proc/self/statm")
_RESIDENT = 1  # proc_pid_statm(5): total, resident, shared, ..., in pages


@dataclass(frozen=True)
class Memory:
    """Measures the resident memory of this process as a share of what it may take.

    Args:
        limit_bytes: what it may take; by default the limit of its container (cgroup, version 2 or 1), or the
            machine's memory where there is none. Where several processes share that, give each its share.
        max_ratio: the share above which it fails, above 0 and at most 1.

    Raises:
        ConfigError: when a limit makes no sense.
    """

    limit_bytes: int | None = None
    max_ratio: float = 0.9
    unit: ClassVar[str] = "ratio"

    def __post_init__(self) -> None:
        if (self.limit_bytes is not None and self.limit_bytes <= 0) or not 0 < self.max_ratio <= 1:
            raise ConfigError(
                f"limit_bytes is {self.limit_bytes}, max_ratio {self.max_ratio}: "
                "give bytes above 0, and a ratio above 0 and at most 1"
            )

    def __call__(self) -> Measured:
        """The share of the limit that is resident.

        Raises:
            HealthError: when it is more than `max_ratio`, or cannot be known.
        """
        used = _resident_bytes()
        limit, source = self._limit()
        ratio = used / limit
        shown = f"{used} of {limit} bytes that {source} allows are resident ({ratio:.1%})"
        if ratio > self.max_ratio:
            raise HealthError(
                f"{shown}; at most {self.max_ratio:.1%} are asked for: find what grows, or allow more",
                value=ratio,
            )
        return Measured(ratio, shown)

    def _limit(self) -> tuple[int, str]:
        if self.limit_bytes is not None:
            return self.limit_bytes, "limit_bytes"
        try:
            return find_limit()
        except (OSError, ValueError) as error:
            raise HealthError(
                f"how much memory there is cannot be known ({error}): give limit_bytes"
            ) from error


def _resident_bytes() -> int:
    try:
        fields = _STATM.read_text(encoding="ascii").split()
        return int(fields[_RESIDENT]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no Linux
        return _resident_bytes_by_psutil()


def _resident_bytes_by_psutil() -> int:
    try:
        psutil = import_module("psutil")
    except ImportError as error:
        raise HealthError("the resident memory cannot be known here: pip install psutil") from error
    return int(psutil.Process().memory_info().rss)
