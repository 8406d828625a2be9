"""schema: which columns came, went or hold something else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from recwatch_exporter.checks.base import Direction, Options
from recwatch_exporter.checks.fact_type import SchemaType

KindName = Literal["integer", "floating", "text", "boolean", "time", "vector", "other"]


@dataclass(frozen=True, kw_only=True)
class Violations:
    """How columns differ from what is expected.

    Attributes:
        gone: expected, and not there.
        new: there, and not expected.
        changed: there, with the kind that was expected and the kind that was found.
    """

    gone: tuple[str, ...]
    new: tuple[str, ...]
    changed: Mapping[str, tuple[str, str]]

    @property
    def number(self) -> int:
        """All of them."""
        return len(self.gone) + len(self.new) + len(self.changed)


def violations(expected: Mapping[str, str], found: Mapping[str, str], *, allow_new: bool) -> Violations:
    """Hold columns against those that are expected; their order does not matter.

    Args:
        expected: column to kind.
        found: likewise.
        allow_new: whether further columns are none.
    """
    return Violations(
        gone=tuple(sorted(set(expected) - set(found))),
        new=() if allow_new else tuple(sorted(set(found) - set(expected))),
        changed={
            name: (expected[name], found[name])
            for name in sorted(set(expected) & set(found))
            if expected[name] != found[name]
        },
    )


class SchemaOptions(Options):
    """What is expected; without it, the columns of the reference."""

    expect: dict[str, KindName] = Field(default_factory=dict)
    allow_new: bool = False

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        check: Any = self  # the keys of every check are among its attributes
        if bool(self.expect) == (check.reference is not None):
            raise ValueError("give one of the two: expect, a mapping of columns to kinds, or a reference")
        if check.segment_by is not None:
            raise ValueError("schema looks at columns, not at rows: remove segment_by")
        return self


SCHEMA = SchemaType(
    name="schema",
    statistic="number of columns that came, went or changed their kind",
    effect_size="the statistic",
    bad=Direction.HIGH,
    null="the same columns, each of the same kind, in whatever order",
    p_value="none: a column is there or it is not, so the threshold alone decides",
    source="Breck et al., Data Validation for Machine Learning, MLSys 2019, section 3",
    default_threshold=1.0,
    lowest_threshold=1.0,
    highest_threshold=float("inf"),
    options=SchemaOptions,
    undefined="there are no columns to compare: correct the source",
)
