"""The errors that recwatch raises. Each message says what to do next.

RecwatchError
├── ConfigError      a configuration file cannot be used
├── DurationError    a text is not a duration
├── HealthError      a check of `recwatch.health` found something wrong
├── QualityError     a prediction, a label or a setting of quality monitoring cannot be used
├── RegistryError    a model's artifacts are missing, damaged or not what was asked for
│   └── PromotionConflictError    another version is in service than the one that was expected
└── StoreError       the database of records cannot be opened or is of another version
"""

__all__ = [
    "ConfigError",
    "DurationError",
    "HealthError",
    "PromotionConflictError",
    "QualityError",
    "RecwatchError",
    "RegistryError",
    "StoreError",
]


class RecwatchError(Exception):
    """Root of everything that recwatch raises on purpose."""


class ConfigError(RecwatchError):
    """A configuration file cannot be used; the message names file, key, value and remedy."""


class DurationError(RecwatchError, ValueError):
    """A text is not a duration. A `ValueError` too, so that pydantic reports it with its key."""


class HealthError(RecwatchError):
    """A check found something wrong; raised by a check, also by one of your own.

    Args:
        message: what is wrong and what to do; shown to whoever asks for the summary, so no secret.
        value: what was measured all the same, in the check's unit.
    """

    def __init__(self, message: str, *, value: float | None = None) -> None:
        super().__init__(message)
        self.value = value


class QualityError(RecwatchError, ValueError):
    """A prediction, a label or a setting of quality monitoring cannot be used."""


class RegistryError(RecwatchError):
    """A model's artifacts are missing, damaged or not what was asked for."""


class PromotionConflictError(RegistryError):
    """Another version is in service than the one that was expected: somebody changed it meanwhile.

    Args:
        model: the model's name.
        change: what was to be done, such as `promote v3_20261121_031500`.
        expected: the version that was expected; None: no version.
        found: the version that is in service; None: no version.
    """

    def __init__(self, model: str, change: str, expected: str | None, found: str | None) -> None:
        super().__init__(
            f"{model}: cannot {change}: {expected or 'no version'} was expected in service, and it is "
            f"{found or 'none'} by now: compare with that one, and try again"
        )
        self.expected = expected
        self.found = found


class StoreError(RecwatchError):
    """The database of records cannot be opened, or its tables are of another version.

    Args:
        message: what happened and what to do.
        reason: one word for a metric's label: `locked`, `full` (its disk), `refused` (a row), `unavailable`.
    """

    def __init__(self, message: str, *, reason: str = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason
