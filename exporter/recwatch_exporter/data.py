"""What sources hand to the families: plain arrays, and streams of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """Which rows belong together and are permuted together.

    Attributes:
        column: the column that says it, such as `user_id`; or, for blocks, the column of the event's time.
        block: rows of the same stretch of time of this length belong together; None: rows of the same value.
    """

    column: str
    block: timedelta | None = None


@dataclass(frozen=True)
class SideCounts:
    """Counts of one window, one row for each value (and cluster) that occurs.

    Attributes:
        values: (rows,) numbers or texts.
        counts: (rows,) how often.
        clusters: (rows,) whose, such as the user's id; None where rows are taken as independent.
    """

    values: NDArray[Any]
    counts: IntArray
    clusters: NDArray[Any] | None = None

    @property
    def total(self) -> int:
        """Rows of the window."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Sample:
    """Some rows.

    Attributes:
        values: (rows, columns), finite.
        clusters: (rows,) whose; None where rows are taken as independent.
    """

    values: FloatArray
    clusters: NDArray[Any] | None = None


@dataclass(frozen=True)
class Moments:
    """Rows, mean and standard deviation (of the whole: divided by n) of a column's finite values."""

    n: int
    mean: float
    std: float


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of one column of a window, all of it from one query.

    Attributes:
        missing: rows where it is null.
        non_finite: rows where it is NaN, Inf or -Inf; 0 for columns that hold no floats.
        minimum: the least finite value of a column of numbers; None without one, and for other kinds.
        maximum: the greatest one.
    """

    missing: int
    non_finite: int
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Facts:
    """What `Window.facts(columns, key=())` gives.

    Attributes:
        rows: rows of the window.
        columns: by column.
        keyed: rows in which every column of the key has a value that is not null; 0 without a key.
        distinct: distinct keys among them; 0 without a key.
    """

    rows: int
    columns: Mapping[str, ColumnFacts] = field(default_factory=dict)
    keyed: int = 0
    distinct: int = 0


@dataclass(frozen=True)
class Pairs:
    """Vectors of ids that both windows have: a chunk of rows.

    Attributes:
        ids: (rows,) numbers or texts.
        reference: (rows, dimensions) float32 or float64, as they lie in the source.
        current: (rows, dimensions) likewise.
    """

    ids: NDArray[Any]
    reference: NDArray[Any]
    current: NDArray[Any]


class Rows(Protocol):
    """Numeric rows of one window, without those that hold a missing or non-finite value.

    Attributes:
        n: how many rows there are.
        dimensions: how many columns each has.
        left_out: how many rows were left out for a missing or non-finite value.
    """

    n: int
    dimensions: int
    left_out: int

    def sample(self, size: int, *, seed: int) -> Sample:
        """`size` rows taken at random without putting back, or all of them where there are fewer.

        The same rows for the same seed and the same data, in whatever order the data is read.
        """
        ...

    def batches(self) -> Iterator[Sample]:
        """Every row once, some ten thousand at a time, in no particular order."""
        ...
