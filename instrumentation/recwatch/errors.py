"""The errors that recwatch raises. Each message says what to do next.

RecwatchError
├── ConfigError      a configuration file cannot be used
├── DurationError    a text is not a duration
├── RegistryError    a model's artifacts are missing, damaged or not what was asked for
└── StoreError       the database of records cannot be opened or is of another version
"""

__all__ = ["ConfigError", "DurationError", "RecwatchError", "RegistryError", "StoreError"]


class RecwatchError(Exception):
    """Root of everything that recwatch raises on purpose."""


class ConfigError(RecwatchError):
    """A configuration file cannot be used; the message names file, key, value and remedy."""


class DurationError(RecwatchError, ValueError):
    """A text is not a duration. A `ValueError` too, so that pydantic reports it with its key."""


class RegistryError(RecwatchError):
    """A model's artifacts are missing, damaged or not what was asked for."""


class StoreError(RecwatchError):
    """The database of records cannot be opened, or its tables are of another version.

    Args:
        message: what happened and what to do.
        reason: one word for a metric's label: `locked` or `unavailable`.
    """

    def __init__(self, message: str, *, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason
