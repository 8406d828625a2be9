"""A model's registry (`recwatch.registry`) has a version in service that can be used."""

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from recwatch.errors import HealthError, RegistryError
from recwatch.health.result import Measured
from recwatch.registry import ModelRegistry

__all__ = ["RegistryVersion"]


@dataclass(frozen=True)
class RegistryVersion:
    """Measures how long ago the version in service was trained, and says which one it is.

    Args:
        folder: the model's folder, such as `artifacts/als`.
        max_age: the longest time since its training; None for any.
    """

    folder: Path | str
    max_age: timedelta | None = None
    unit: ClassVar[str] = "seconds"

    def __call__(self) -> Measured:
        """The time since the training in seconds, never below 0.

        Raises:
            HealthError: when no version is in service, or the one that is cannot be read or is too old.
        """
        registry = ModelRegistry(Path(self.folder))
        try:
            version = registry.current()
            if version is None:
                raise HealthError(f"no version of {registry.model} is in service: promote one")
            trained_at = registry.manifest(version).trained_at
        except (RegistryError, OSError) as error:
            raise HealthError(str(error)) from error
        age = max(time.time() - trained_at.timestamp(), 0.0)
        if self.max_age is not None and age > self.max_age.total_seconds():
            old = timedelta(seconds=round(age))
            raise HealthError(f"{version} was trained {old} ago, more than {self.max_age}", value=age)
        return Measured(age, version)
