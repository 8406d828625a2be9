"""What a check type is: a statistic, and the words that say how to read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recwatch.config import Strict

FloatArray = NDArray[np.float64]

Frozen = Mapping[str, NDArray[Any]]
"""What a check needs of its reference: named arrays of numbers or of fixed-width text, 0-dimensional for one
figure. A reference profile keeps them in a file, so nothing else may be in them."""


CANNOT_TELL = "cannot_tell"
"""The key of `Measurement.details` that says why nothing can be told, though there are rows enough."""
DIFFERENT_PERMUTATIONS = "different_permutations"
"""The key of `Measurement.details` that says how many permutations there are, where they are few."""


class Direction(StrEnum):
    """Where drift lies."""

    HIGH = "high"
    LOW = "low"


class Options(Strict):
    """Keys that a check type adds to those of every check; a type without any uses this class itself."""


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A check type; `docs/drift.md` is made from these words.

    Attributes:
        name: the id: of the module, of the label `type`, of the page in docs/checks/.
        statistic: what is computed.
        effect_size: what is held against the threshold.
        bad: whether a high or a low effect size is drift.
        null: what no drift means for this type.
        p_value: how the p-value comes about, or why there is none.
        source: where the formula is written down.
        default_threshold: held against the effect size where a check names no threshold.
        lowest_threshold: the lowest threshold that makes sense.
        highest_threshold: the highest one.
        has_p_value: whether there is one; without, the effect alone decides, and `alpha` does nothing.
        p_value_needs: keys without which a check of the type has no p-value, such as `reference`.
        min_rows_of: the windows that say nothing with fewer rows than `min_rows`. Where the number of rows is
            itself the question, or rows are not, it asks for fewer than both.
        needs_reference: whether there must be a reference window; without, the current one is held against
            the threshold by itself.
        retrain: whether a new model is an answer to this drift. Data that is missing is not mended by one.
        seconds: whether the effect size is a time, so that a threshold may be written as 30d.
        columns: `each`: every column is a finding of its own; `together`: all columns make one finding;
            `one`: takes one column only; `none`: names no column.
        key: `required`: rows are matched by the column `key`; `none`: the type has no use for one.
        clusters: whether the p-value permutes whole clusters.
        feature_key: a key of its own that is the label `feature` of a check that names no column.
        undefined: what is wrong, and what to do, where there are rows enough and yet no figure.
        profiled: whether a reference profile can stand in for the reference; if not, its data is needed.
        options: the keys of its own that the type takes in drift.yml.
    """

    name: str
    statistic: str
    effect_size: str
    bad: Direction
    null: str
    p_value: str
    source: str
    default_threshold: float
    lowest_threshold: float
    highest_threshold: float
    has_p_value: bool = True
    p_value_needs: tuple[str, ...] = ()
    min_rows_of: tuple[Literal["reference", "current"], ...] = ("reference", "current")
    needs_reference: bool = True
    retrain: bool = True
    seconds: bool = False
    columns: Literal["each", "together", "one", "none"] = "each"
    key: Literal["required", "none"] = "none"
    clusters: bool = True
    feature_key: str | None = None
    undefined: str
    profiled: bool = True
    options: type[Options] = Options

    def threshold_of(self, keys: Mapping[str, Any]) -> float:  # noqa: ARG002 - a type may look at them
        """The threshold of a check that names none.

        Args:
            keys: what the check says in drift.yml, not yet checked.
        """
        return self.default_threshold

    def reads_rows(self, check: Any) -> bool:  # noqa: ARG002 - a type may look at it
        """Whether the rows of a check's sides are read at all, so that a table must be there.

        Args:
            check: a `config.Check` of this type.
        """
        return True


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a check found, before anybody judges it.

    Attributes:
        statistic: NaN where it is not defined.
        effect_size: in the unit of the threshold; NaN where it is not defined.
        p_value: None where the type has none, or where it could not be computed.
        n_reference: rows of the reference window.
        n_current: rows of the current window.
        n_compared: the rows that the statistic rests on, of the side that has fewer.
        details: what else the type has to say: anything that JSON can hold, a few kilobytes at most. Under
            `bins` a picture of both windows: `{"labels": [...], "reference": [...], "current": [...]}`,
            shares over at most 40 bins; or, where there is only one series, without `reference`.
    """

    statistic: float
    effect_size: float
    p_value: float | None
    n_reference: int
    n_current: int
    n_compared: int
    details: Mapping[str, Any] = field(default_factory=dict)
