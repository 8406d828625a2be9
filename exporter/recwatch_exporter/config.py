"""drift.yml: strict, with every cross-check made while it is read. Every key is in docs/drift.md."""

import re
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from math import ceil, floor
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationInfo, create_model, field_validator, model_validator

from recwatch.config import Strict
from recwatch.durations import parse_duration
from recwatch_exporter.addresses import Address, parse_address
from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.data import Cluster
from recwatch_exporter.process.memory import Size
from recwatch_exporter.process.schedule import PositiveDuration, Schedule
from recwatch_exporter.sides import Current, Reference, Scalar, Text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
_LONGEST_FEATURE = 100
_MOST_PERMUTATIONS = 1_000_000
BLOCK = "block"
"""What `cluster` is where blocks of time are permuted."""


def _name(value: object) -> object:
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, _ and -, at most 63, not starting with a digit or -")
    return value


Name = Annotated[str, BeforeValidator(_name)]


class Settings(Strict):
    """What a check may say for itself, and `defaults` for all."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    min_rows: Annotated[int, Field(ge=1)] = 50
    permutations: Annotated[int, Field(ge=1, le=_MOST_PERMUTATIONS)] = 999
    schedule: Schedule = Schedule.model_validate({"every": "1h"})
    timeout: PositiveDuration = timedelta(minutes=5)
    memory: Size = 4 << 30
    seed: Annotated[int, Field(ge=0)] = 0
    # With `all` ten findings, of which each can reach alpha 0.01 by the default number of permutations.
    max_segments: Annotated[int, Field(ge=1, le=100)] = 9


class Defaults(Settings):
    """`defaults`: what holds for every check that does not say otherwise."""

    @model_validator(mode="before")
    @classmethod
    def _holds_for_all(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            own = [key for key in value if key in Check.model_fields and key not in cls.model_fields]
            if own:
                raise ValueError(
                    f"{' and '.join(own)} belong{'s' if len(own) == 1 else ''} to a check: "
                    "write in each check what it reads "
                    "(one may begin with &first, and others take over its keys by <<: *first)"
                )
        return value


class Check(Settings):
    """One entry of `checks`; a type's own keys (`checks.base.Options`) are among its attributes."""

    name: Name
    type: str
    models: tuple[Name, ...] = ()
    column: Text | None = None
    columns: tuple[Text, ...] = ()
    key: Text | None = None
    cluster: Text | None = None
    block: PositiveDuration | None = None
    segment_by: Text | None = None
    timestamp: Text | None = None
    observed_at: Text | None = None
    filter: dict[str, Scalar] = Field(default_factory=dict)
    threshold: float
    reference: Reference | None = None
    current: Current

    @property
    def check_type(self) -> CheckType:
        """The type's entry in the table."""
        return TYPES[self.type]

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns that are compared: `column`, or `columns`."""
        return self.columns or ((self.column,) if self.column is not None else ())

    @property
    def label(self) -> str:
        """The label `feature` of a finding about all columns together."""
        key = self.check_type.feature_key
        joined = ",".join(self.fields) or ("rows" if key is None else str(getattr(self, key)))
        return joined if len(joined) <= _LONGEST_FEATURE else f"{len(self.fields)} columns"

    @property
    def reads_rows(self) -> bool:
        """Whether the rows of the sides are read; if not, a side may be a file that holds none."""
        return self.check_type.reads_rows(self)

    @property
    def has_p_value(self) -> bool:
        """Whether findings have a p-value; without, the effect alone decides."""
        kind = self.check_type
        return kind.has_p_value and all(getattr(self, key) is not None for key in kind.p_value_needs)

    @property
    def most_findings(self) -> int:
        """How many findings there can be: their p-values are corrected for it."""
        features = len(self.fields) if self.check_type.columns == "each" else 1
        return features * (1 if self.segment_by is None else 1 + self.max_segments)

    @property
    def clusters(self) -> Cluster | None:
        """Which rows are permuted together; None where rows are taken as independent."""
        if self.cluster is None:
            return None
        if self.cluster == BLOCK and self.timestamp is not None:
            return Cluster(self.timestamp, self.block)
        return Cluster(self.cluster)

    @property
    def freshness_column(self) -> str | None:
        """The column that says when a record was written: `observed_at`, or else the event time."""
        return self.observed_at or self.timestamp

    @property
    def folders(self) -> frozenset[Path]:
        """The folders of versions that the check reads: a promotion there runs it."""
        sides = (None if self.reference is None else self.reference.artifact, self.current.artifact)
        return frozenset(side.path for side in sides if side is not None)

    @property
    def disjoint(self) -> bool:
        """Whether the current window starts after the reference's newest event."""
        return (
            self.reference is not None
            and self.reference.artifact is not None
            and self.current.artifact is None
        )

    def _remedies(self) -> str:
        """What makes `alpha` reachable: so many permutations, or so few segments."""
        alpha = Fraction(str(self.alpha))  # as written: 7 / 0.07 is a little more than 100
        permutations = ceil(self.most_findings / alpha) - 1
        features = self.most_findings // (1 if self.segment_by is None else 1 + self.max_segments)
        segments = floor(alpha * (self.permutations + 1) / features) - 1
        remedies = [
            f"raise permutations to {permutations}" if permutations <= _MOST_PERMUTATIONS else "raise alpha"
        ]
        if self.segment_by is not None and segments >= 1:
            remedies.append(f"lower max_segments to {segments}")
        return ", or ".join(remedies)

    @model_validator(mode="after")
    def _columns_fit_the_type(self) -> Self:
        kind = self.check_type
        if self.column is not None and self.columns:
            raise ValueError("give one of the two: column, or columns for several")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("columns names one of them twice: remove one")
        if kind.columns == "none" and self.fields:
            raise ValueError(f"{kind.name} names no column: remove column and columns")
        if kind.columns == "one" and self.columns:
            raise ValueError(f"{kind.name} takes one column: write column instead of columns")
        if kind.columns != "none" and not self.fields:
            more = "" if kind.columns == "one" else ", or columns"
            raise ValueError(f"{kind.name} needs column{more}: name what is compared")
        if kind.key == "required" and self.key is None:
            raise ValueError(f"{kind.name} needs key, the column by which rows are matched, such as item_id")
        if kind.key == "none" and self.key is not None:
            users = ", ".join(sorted(name for name, item in TYPES.items() if item.key != "none"))
            raise ValueError(f"key belongs to {users}; {kind.name} has no use for it: remove it")
        return self

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        kind = self.check_type
        if not kind.lowest_threshold <= self.threshold <= kind.highest_threshold:
            low, high = kind.lowest_threshold, kind.highest_threshold
            raise ValueError(
                f"threshold {self.threshold:g} is outside {low:g} to {high:g}, where {kind.name} lies"
            )
        if not (kind.clusters and self.has_p_value) and self.cluster is not None:
            why = "permutes no clusters" if self.has_p_value else "has no p-value"
            if kind.has_p_value and not self.has_p_value:
                why += f" without {' and '.join(kind.p_value_needs)}"
            raise ValueError(f"{kind.name} {why}, so cluster does nothing: remove it")
        if self.has_p_value and kind.clusters and self.most_findings / (self.permutations + 1) > self.alpha:
            lowest = self.most_findings / (self.permutations + 1)
            among = f" of {self.most_findings} findings" if self.most_findings > 1 else ""
            raise ValueError(
                f"with {self.permutations} permutations no p-value{among} is below {lowest:.3g}, "
                f"so alpha {self.alpha:g} is never reached: {self._remedies()}"
            )
        if self.cluster == BLOCK and (self.block is None or self.timestamp is None):
            raise ValueError(
                "cluster: block needs block, such as 1d, and timestamp, the column of the event's time"
            )
        if self.block is not None and self.cluster != BLOCK:
            raise ValueError("block is the length of a block: add cluster: block, or remove it")
        return self

    @model_validator(mode="after")
    def _has_reference(self) -> Self:
        kind = self.check_type
        if self.reads_rows and self.current.artifact is not None and self.current.file is None:
            raise ValueError(
                "current: artifact needs file, such as reference.parquet: the file of the version in service"
            )
        if self.reference is None:
            if kind.needs_reference:
                raise ValueError(f"{kind.name} needs reference, such as {{path: ...}}: add it")
            return self
        if self.reference.artifact is not None and not (self.reference.file or self.reference.profile):
            raise ValueError(
                "reference: artifact needs file, such as reference.parquet: "
                "the file of the version in service"
            )
        return self

    @model_validator(mode="after")
    def _has_event_time(self) -> Self:
        if self.timestamp is not None:
            return self
        if any(side is not None and side.window is not None for side in (self.reference, self.current)):
            raise ValueError("a window needs timestamp, the column of the event's time: add it")
        if self.disjoint and self.check_type.key == "none":
            raise ValueError(
                "a reference of a version needs timestamp, the column of the event's time, "
                "so that the current window starts after it: add it"
            )
        return self


@cache
def check_model(kind: CheckType) -> type[Check]:
    """The model of a check of this type: `Check` with the type's own keys."""
    return create_model(f"{kind.name}_check", __base__=(Check, kind.options))  # type: ignore[arg-type] # bases of two kinds


_SHARED = ("path", "query", "table", "database", "window")
_SOURCES = ("path", "query", "table", "artifact", "profile")


def parse_check(value: Any, info: ValidationInfo) -> Any:
    """Read one entry of `checks` by the model of its type, the keys that both sides share handed on."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a mapping, such as {name: ratings, type: ks, column: rating, ...}")  # noqa: TRY004 - reported, not raised
    name = value.get("type")
    if name is None or not isinstance(name, str) or name not in TYPES:
        found = "" if name is None else f" (found {name!r:.80})"
        near = get_close_matches(name, TYPES, n=1) if isinstance(name, str) else []
        todo = f"did you mean {near[0]}?" if near else f"give one of {', '.join(sorted(TYPES))}"
        raise ValueError(f"type: {todo}{found}")
    kind = TYPES[name]
    given = {"threshold": kind.threshold_of(value), **value}
    if kind.seconds and isinstance(given["threshold"], str):
        given["threshold"] = parse_duration(given["threshold"]).total_seconds()
    shared = {key: given.pop(key) for key in _SHARED if key in given}
    for side in ("reference", "current"):
        own = given.get(side, {} if shared and (side == "current" or kind.needs_reference) else None)
        if isinstance(own, Mapping):
            given[side] = _merged(shared, own)
    return check_model(kind).model_validate(given, context=info.context)


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A side with what the check says for both; a source of its own replaces the shared one.

    A query or a table of its own still asks the shared database; files do not lie in one.
    """
    if any(key in own for key in _SOURCES):
        asks = any(own.get(key) is not None for key in ("query", "table"))
        dropped = _SOURCES if asks else (*_SOURCES, "database")
        shared = {key: item for key, item in shared.items() if key not in dropped}
    return {**shared, **own}


class Config(Strict):
    """drift.yml."""

    listen: Annotated[Address, BeforeValidator(parse_address)] = Address("127.0.0.1", 9109)
    defaults: Defaults = Defaults()
    checks: tuple[Annotated[Check, BeforeValidator(parse_check)], ...]

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
