"""A disk has room left."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from recwatch.errors import ConfigError, HealthError
from recwatch.health.result import Measured

__all__ = ["DiskSpace"]


@dataclass(frozen=True)
class DiskSpace:
    """Measures the bytes that the service may still write, those kept for root left out.

    Args:
        path: any file or folder on the disk.
        min_bytes: that must be free.
        min_ratio: share of the disk that must be free, between 0 and 1.

    Raises:
        ConfigError: when a limit makes no sense.
    """

    path: Path | str
    min_bytes: int = 0
    min_ratio: float = 0.05
    unit: ClassVar[str] = "bytes"

    def __post_init__(self) -> None:
        if self.min_bytes < 0 or not 0 <= self.min_ratio <= 1:
            raise ConfigError(
                f"min_bytes is {self.min_bytes}, min_ratio {self.min_ratio}: give 0 or more, and 0 to 1"
            )

    def __call__(self) -> Measured:
        """The free bytes.

        Raises:
            HealthError: when fewer are free than asked for, no file can be added, or there is no such path.
        """
        try:
            found = os.statvfs(self.path)
        except OSError as error:
            raise HealthError(f"{self.path}: {error.strerror}") from error
        free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        ratio = free / total if total else 0.0
        shown = f"{free} of {total} bytes are free ({ratio:.1%})"
        if free < self.min_bytes or ratio < self.min_ratio:
            wanted = f"at least {self.min_bytes} bytes and {self.min_ratio:.1%} are asked for"
            raise HealthError(f"{shown}; {wanted}: remove files or enlarge the disk", value=free)
        # Some file systems have no fixed number of files: they say 0.
        if found.f_files and not found.f_favail:
            raise HealthError(f"no inode is free, though {shown}: remove files", value=free)
        return Measured(free, shown)
