"""A model's file is there, is not empty, and is not too old."""

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from recwatch.errors import HealthError
from recwatch.health.result import Measured

__all__ = ["ModelFile"]


@dataclass(frozen=True)
class ModelFile:
    """Measures the file's age by the time at which it was last written.

    Args:
        path: the file; a link is followed.
        min_bytes: the smallest size of a model.
        max_age: the greatest age; None for any.
    """

    path: Path | str
    min_bytes: int = 1
    max_age: timedelta | None = None
    unit: ClassVar[str] = "seconds"

    def __call__(self) -> Measured:
        """The age in seconds, never below 0.

        Raises:
            HealthError: when the file is missing, no file, too small or too old.
        """
        path = Path(self.path)
        try:
            status = path.stat()
        except OSError as error:
            raise HealthError(f"{path}: {error.strerror}: train and publish a model") from error
        if not path.is_file():
            raise HealthError(f"{path} is no file: name the model's file")
        age = max(time.time() - status.st_mtime, 0.0)
        if status.st_size < self.min_bytes:
            raise HealthError(f"{path} has {status.st_size} bytes, fewer than {self.min_bytes}", value=age)
        if self.max_age is not None and age > self.max_age.total_seconds():
            raise HealthError(
                f"{path} is {timedelta(seconds=round(age))} old, older than {self.max_age}", value=age
            )
        return Measured(age, f"{status.st_size} bytes")
