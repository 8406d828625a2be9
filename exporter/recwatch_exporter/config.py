"""drift.yml: strict, with every cross-check made while it is read. Every key is in docs/drift.md."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from recwatch.config import Strict
from recwatch_exporter.addresses import Address, parse_address
from recwatch_exporter.checks.base import VectorType
from recwatch_exporter.checks.table import TYPES, AnyType
from recwatch_exporter.process.schedule import PositiveDuration, Schedule
from recwatch_exporter.sources.locations import Location

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")


def _name(value: object) -> object:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, _ and -, at most 63, not starting with a digit or -")
    return value


def _location(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a path, such as data/*.parquet")
    base = (info.context or {}).get("base", Path())
    return Location(root=base, pattern=value)


Name = Annotated[str, BeforeValidator(_name)]
Place = Annotated[Location, BeforeValidator(_location)]
Scalar = bool | int | float | str


class Side(Strict):
    """Where one window's data is: a path (or glob), or a file of a model's version in service."""

    path: Place | None = None
    artifact: Place | None = None
    file: str | None = None
    window: PositiveDuration | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.artifact is None):
            raise ValueError("give one of the two: path, or artifact (a model's folder of versions)")
        if self.artifact is not None and self.file is None:
            raise ValueError(
                "artifact needs file, such as reference.parquet: the file of the version in service"
            )
        if self.artifact is None and self.file is not None:
            raise ValueError("file belongs to artifact: give the whole path in path")
        if self.file is not None and (Path(self.file).is_absolute() or ".." in Path(self.file).parts):
            raise ValueError("file must lie in the version's folder: remove the leading / and every ..")
        return self


class Reference(Side):
    """What is taken as normal; its window is counted back from its newest event."""


class Current(Side):
    """What is held against it."""

    follow: Literal["newest_event", "clock"] = "newest_event"

    @model_validator(mode="after")
    def _follow_needs_window(self) -> Self:
        if "follow" in self.model_fields_set and self.window is None:
            raise ValueError("follow says where window ends: add window, such as 30d")
        return self


class Settings(Strict):
    """What a check may say for itself, and `defaults` for all."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    min_rows: Annotated[int, Field(ge=1)] = 50
    permutations: Annotated[int, Field(ge=1, le=1_000_000)] = 999
    schedule: Schedule = Schedule.model_validate({"every": "1h"})
    timeout: PositiveDuration = timedelta(minutes=5)
    seed: Annotated[int, Field(ge=0)] = 0


class Defaults(Settings):
    """`defaults`: what holds for every check that does not say otherwise."""


class Check(Settings):
    """One entry of `checks`."""

    name: Name
    type: str
    models: tuple[Name, ...] = ()
    column: str
    key: str | None = None
    cluster: str | None = None
    timestamp: str | None = None
    observed_at: str | None = None
    filter: dict[str, Scalar] = Field(default_factory=dict)
    threshold: float
    reference: Reference
    current: Current

    @field_validator("type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value not in TYPES:
            raise ValueError(f"no such type; choose one of {', '.join(sorted(TYPES))}")
        return value

    @property
    def check_type(self) -> AnyType:
        """The type's entry in the table."""
        return TYPES[self.type]

    @property
    def freshness_column(self) -> str | None:
        """The column that says when a record was written: `observed_at`, or else the event time."""
        return self.observed_at or self.timestamp

    @property
    def folders(self) -> frozenset[Path]:
        """The folders of versions that the check reads: a promotion there runs it."""
        sides = (self.reference.artifact, self.current.artifact)
        return frozenset(side.path for side in sides if side is not None)

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        kind = self.check_type
        if not kind.lowest_threshold <= self.threshold <= kind.highest_threshold:
            low, high = kind.lowest_threshold, kind.highest_threshold
            raise ValueError(
                f"threshold {self.threshold:g} is outside {low:g} to {high:g}, where {kind.name} lies"
            )
        if isinstance(kind, VectorType):
            if self.key is None:
                raise ValueError(
                    f"{kind.name} needs key, the column by which vectors are matched, such as item_id"
                )
            if self.cluster is not None:
                raise ValueError(f"{kind.name} has no p-value, so cluster does nothing: remove it")
        elif self.key is not None:
            raise ValueError(f"key belongs to embedding; {kind.name} has no use for it: remove it")
        elif 1 / (self.permutations + 1) > self.alpha:
            lowest = 1 / (self.permutations + 1)
            raise ValueError(
                f"with {self.permutations} permutations no p-value is below {lowest:.3g}, "
                f"so alpha {self.alpha:g} is never reached: raise permutations"
            )
        return self

    @model_validator(mode="after")
    def _has_event_time(self) -> Self:
        if self.timestamp is not None:
            return self
        if self.reference.window is not None or self.current.window is not None:
            raise ValueError("a window needs timestamp, the column of the event's time: add it")
        disjoint = self.reference.artifact is not None and self.current.path is not None
        if disjoint and not isinstance(self.check_type, VectorType):
            raise ValueError(
                "a reference of a version needs timestamp, the column of the event's time, "
                "so that the current window starts after it: add it"
            )
        return self


class Config(Strict):
    """drift.yml."""

    listen: Annotated[Address, BeforeValidator(parse_address)] = Address("127.0.0.1", 9109)
    defaults: Defaults = Defaults()
    checks: tuple[Check, ...]

    @field_validator("checks", mode="before")
    @classmethod
    def _with_defaults(cls, value: Any, info: ValidationInfo) -> Any:
        if value == []:
            raise ValueError("must list one check or more")
        defaults = info.data.get("defaults")
        if defaults is None or not isinstance(value, list):
            return value  # the mistake is reported by itself
        given = {name: getattr(defaults, name) for name in Settings.model_fields}
        return [
            item | {k: v for k, v in given.items() if k not in item} if isinstance(item, dict) else item
            for item in value
        ]

    @field_validator("checks")
    @classmethod
    def _names_once(cls, value: tuple[Check, ...]) -> tuple[Check, ...]:
        seen: set[str] = set()
        for check in value:
            if check.name in seen:
                raise ValueError(
                    f"the name {check.name} is given twice: names are the label check, rename one"
                )
            seen.add(check.name)
        return value
