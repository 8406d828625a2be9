"""What each check type is tried on: the one place that a new type needs a line in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.calibration import arrivals, plain
from benchmarks.calibration.nulls import NULLS, Draw, Null, Windows, few_users, independent, people, series
from benchmarks.calibration.plain import PlainTest
from recwatch_exporter.checks.base import CheckType
from recwatch_exporter.checks.table import TYPES


@dataclass(frozen=True)
class Subject:
    """What a check of a type looks at.

    Attributes:
        keys: what it says in drift.yml: `column` or `columns`, of `nulls.SHAPES`, and keys of its own.
        plain: scipy's test of the same; None: the same check without `cluster`.
        left_out: kinds of data that mean nothing to the type, with the reason.
        more: columns that it looks at besides.
        own: data made for this type, in place of what all others get; `words` say which.
    """

    keys: Mapping[str, Any]
    plain: PlainTest | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    own: Mapping[str, Draw] = field(default_factory=dict)
    words: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that windows must have; the plain test looks at the first."""
        return (
            *self.keys.get("columns", [self.keys[key] for key in ("column",) if key in self.keys]),
            *self.more,
        )

    def draw(self, null: Null, rng: np.random.Generator) -> Windows:
        """Two windows of one kind of data."""
        return self.own.get(null.name, null.draw)(self.columns, rng)

    @property
    def nulls(self) -> tuple[Null, ...]:
        """The kinds of data that it is tried on."""
        return tuple(null for name, null in NULLS.items() if name not in self.left_out)


_FOUR = {"columns": ["f0", "f1", "f2", "f3"]}
_SMALL: Mapping[str, Draw] = {
    "independent": independent(200, 150),
    "users": few_users(60, 15),
    "blocks": series(10, 8),
    "same_users": people(60, (60, 7)),
    "new_users": people(200, (60, 7), stay=10),
    "since_yesterday": people(60, (30, 1), daily=1.0),
}
_SMALL_WORDS = (
    "200 and 150 independent rows; 60 users with at most 15 ratings each; 20 and 16 days; 60 users, or 200 "
    "who come and go"
)

SUBJECTS: Mapping[str, Subject] = MappingProxyType(
    {
        "ks": Subject({"column": "amount"}, plain.KS),
        "wasserstein": Subject({"column": "amount"}),
        "moments": Subject({"column": "amount"}, plain.WELCH),
        "psi": Subject({"column": "rating"}),
        "jensen_shannon": Subject({"column": "rating"}),
        "chi2": Subject({"column": "genre"}, plain.CHI2),
        "unseen": Subject({"column": "tag"}),
        "spearman": Subject({"column": "item_id"}),
        "rank_overlap": Subject({"column": "item_id"}),
        "coverage": Subject({"column": "item_id"}),
        "gini": Subject({"column": "item_id"}),
        "performance": Subject({"column": "score", "target": "label", "metric": "accuracy"}, more=("label",)),
        "row_count": Subject(
            {"timestamp": "time", "reference": {"window": "56d"}, "current": {"window": "7d"}},
            plain.POISSON,
            dict.fromkeys(
                ("users", "same_users", "new_users", "since_yesterday"),
                "it asks how many rows come in a time, not whose they are",
            ),
            ("time",),
            {"independent": arrivals.steady, "blocks": arrivals.bursts},
            arrivals.WORDS,
        ),
        "missing": Subject({"column": "gappy"}),
        "mmd": Subject(_FOUR, own=_SMALL, words=_SMALL_WORDS),
        "classifier": Subject(_FOUR, own=_SMALL, words=_SMALL_WORDS),
    }
)


def tried_types() -> tuple[CheckType, ...]:
    """Every type of the exporter that has a p-value, in the table's order."""
    return tuple(kind for kind in TYPES.values() if kind.has_p_value)


def subject_of(kind: CheckType) -> Subject:
    """What a type is tried on.

    Raises:
        LookupError: when nobody has said it.
    """
    try:
        return SUBJECTS[kind.name]
    except KeyError:
        raise LookupError(
            f"{kind.name} has a p-value and is not calibrated: say in benchmarks/calibration/subjects.py "
            "what it is to be tried on"
        ) from None
