"""What sources hand to the families: plain arrays, and streams of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Slotted:
    """Which slot of time rows are in, counted back from the end of the longer of two windows.

    Attributes:
        slot: (rows,) 0 to `number` - 1; `number` is none of them, and such rows never move.
        number: how many slots as long as the shorter window there are.
    """

    slot: NDArray[Any]
    number: int

    def take(self, rows: NDArray[Any]) -> "Slotted":
        """Those of some rows: their numbers, or a mask."""
        return Slotted(self.slot[rows], self.number)


def joined(parts: Sequence[Slotted | None]) -> Slotted | None:
    """Those of several batches of rows together; all of them have slots, or none."""
    there = [part for part in parts if part is not None]
    return Slotted(np.concatenate([part.slot for part in there]), there[0].number) if there else None


@dataclass(frozen=True)
class Slots:
    """Stretches of time of one length, counted back from the end of a window.

    Attributes:
        column: of the event's time.
        end: of the window, aware.
        length: of a slot.
        number: how many; what is older is in slot `number`, which is none of them.
    """

    column: str
    end: datetime
    length: timedelta
    number: int


@dataclass(frozen=True)
class Cluster:
    """Which rows belong together and are permuted together.

    Attributes:
        column: the column that says it, such as `user_id`; or, for blocks, the column of the event's time.
        block: rows of the same stretch of time of this length belong together; None: rows of the same value.
        slots: by which a cluster's rows are told apart besides; None: not at all.
    """

    column: str
    block: timedelta | None = None
    slots: Slots | None = None


@dataclass(frozen=True)
class SideCounts:
    """Counts of one window, one row for each value (and cluster) that occurs.

    Attributes:
        values: (rows,) numbers or texts.
        counts: (rows,) how often.
        clusters: (rows,) whose, such as the user's id; None where rows are taken as independent.
        slots: in which slot of the window; None where the window is not cut.
    """

    values: NDArray[Any]
    counts: IntArray
    clusters: NDArray[Any] | None = None
    slots: Slotted | None = None

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
        slots: in which slot of the window; None where the window is not cut.
    """

    values: FloatArray
    clusters: NDArray[Any] | None = None
    slots: Slotted | None = None


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
