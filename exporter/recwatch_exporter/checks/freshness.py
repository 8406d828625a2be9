"""freshness: how old the newest record, the model, its training data or a file is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import model_validator

from recwatch_exporter.checks.base import Direction, Options
from recwatch_exporter.checks.fact_type import AgeType

Of = Literal["records", "model", "training_data", "file"]

_DAY = timedelta(days=1).total_seconds()
_AGES: Mapping[Of, float] = MappingProxyType(
    {"records": _DAY, "model": 7 * _DAY, "training_data": 30 * _DAY, "file": 30 * _DAY}
)


def age(newest: datetime, now: datetime) -> float:
    """How old something is, in seconds; negative where it is dated after now, as by a clock that runs ahead.

    Args:
        newest: its time, aware.
        now: the clock's time, aware.
    """
    return (now - newest).total_seconds()


class FreshnessOptions(Options):
    """What is looked at."""

    of: Of = "records"

    @model_validator(mode="after")
    def _can_be_dated(self) -> Self:
        check: Any = self  # the keys of every check are among its attributes
        if check.reference is not None:
            raise ValueError("freshness looks at the current side alone: remove reference")
        artifact, path = check.current.artifact, check.current.path
        if self.of == "records" and check.freshness_column is None:
            raise ValueError(
                "freshness of records needs observed_at, the column that says when a row was written, or "
                "timestamp, when it happened: add one"
            )
        if self.of in {"model", "training_data"} and (artifact is None or check.current.file is not None):
            raise ValueError(
                f"freshness of {self.of} reads a manifest: write current: {{artifact: artifacts/NAME}}, and "
                "remove file"
            )
        if self.of == "file" and path is None and check.current.file is None:
            raise ValueError("freshness of file needs current.path, or artifact and file: add it")
        if self.of != "records" and check.segment_by is not None:
            raise ValueError(f"freshness of {self.of} has no rows to divide: remove segment_by")
        return self


@dataclass(frozen=True, kw_only=True)
class FreshnessType(AgeType):
    """Its threshold depends on what is looked at."""

    def threshold_of(self, keys: Mapping[str, Any]) -> float:
        """A day for records, a week for a model, 30 days for training data and for a file."""
        return next((age for of, age in _AGES.items() if of == keys.get("of")), self.default_threshold)

    def reads_rows(self, check: Any) -> bool:
        """Only records are rows."""
        return bool(check.of == "records")


FRESHNESS = FreshnessType(
    name="freshness",
    statistic="age in seconds: of the newest record, the model in service, its training data, or a file",
    effect_size="the statistic; a threshold may be written as 7d",
    bad=Direction.HIGH,
    null="what should be renewed was renewed in time",
    p_value="none: an age is a fact, so the threshold alone decides",
    source="the clock's time less the newest time; 7 and 30 days are the usual limits of models and of data",
    default_threshold=_AGES["records"],
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    feature_key="of",
    options=FreshnessOptions,
    undefined="there is no time to tell the age by: write one",
)
