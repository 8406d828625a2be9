"""A window over arrays: the answers of `recwatch_exporter.sources.window.Window`, without an engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import (
    Cluster,
    ColumnFacts,
    Facts,
    IntArray,
    Moments,
    Sample,
    SideCounts,
    Slots,
    Slotted,
)
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.spans import EVERYTHING, Span

_BATCH = 10_000
_KINDS = {"f": Kind.FLOATING, "i": Kind.INTEGER, "b": Kind.BOOLEAN, "M": Kind.TIME, "U": Kind.TEXT}


@dataclass(frozen=True)
class Column:
    """A column of which every row has a value.

    Attributes:
        distinct: (values,) ascending, each once.
        codes: (rows,) which of `distinct` a row holds. Sorting is done once, however many windows are taken.
    """

    distinct: NDArray[Any]
    codes: IntArray

    @classmethod
    def of(cls, values: NDArray[Any]) -> "Column":
        """Of values (rows,), none of which is missing."""
        distinct, codes = np.unique(values, return_inverse=True)
        return cls(distinct, codes)

    @property
    def values(self) -> NDArray[Any]:
        """(rows,)"""
        return np.asarray(self.distinct[self.codes])

    def take(self, rows: NDArray[Any]) -> "Column":
        """Some rows: their numbers, or a mask."""
        return Column(self.distinct, self.codes[rows])


Table = Mapping[str, Column]


def table(**columns: NDArray[Any]) -> Table:
    """Columns of equal length."""
    return {name: Column.of(values) for name, values in columns.items()}


def take(columns: Table, rows: NDArray[Any]) -> Table:
    """Some rows of every column."""
    return {name: column.take(rows) for name, column in columns.items()}


class MemoryWindow:
    """One side of a check, in memory. Every value is there and finite, but that `count_missing` knows NaN."""

    def __init__(
        self, side: str, columns: Table, span: Span = EVERYTHING, slots: Slots | None = None
    ) -> None:
        self.side = side
        self.span = span
        self.slots = slots
        self._columns = columns

    @property
    def columns(self) -> Mapping[str, Kind]:
        return {name: _KINDS[item.distinct.dtype.kind] for name, item in self._columns.items()}

    def values(self, column: str) -> NDArray[Any]:
        """(rows,); the exporter's window never gives them away."""
        return self._columns[column].values

    def rows(self) -> int:
        return len(next(iter(self._columns.values())).codes)

    def newest(self, column: str) -> datetime | None:
        times = self.values(column)
        if not len(times):
            return None
        return datetime.fromtimestamp(_microseconds(times).max() / 1e6, tz=UTC)

    def oldest(self, column: str) -> datetime | None:
        times = self.values(column)
        if not len(times):
            return None
        return datetime.fromtimestamp(_microseconds(times).min() / 1e6, tz=UTC)

    def cut(self, slots: Slots | None) -> "MemoryWindow":
        return MemoryWindow(self.side, self._columns, self.span, slots)

    def count_values(
        self,
        column: str,
        cluster: Cluster | None,
        *,
        numeric: bool,  # noqa: ARG002 - the exporter's window refuses text; there is none here
        limit: int | None = None,
    ) -> SideCounts | None:
        found = _occurring(self._columns[column])
        if limit is not None and len(found.distinct) > limit:
            return None
        return self._counted(found, cluster)

    def count_cells(self, column: str, edges: FloatArray, cluster: Cluster | None) -> SideCounts:
        values = self.values(column)
        cells = np.searchsorted(edges, values, side="right").astype(np.int64)
        return self._counted(_occurring(Column(np.arange(len(edges) + 1), cells)), cluster)

    def count_missing(self, column: str, cluster: Cluster | None) -> SideCounts:
        found = self._columns[column]
        missing = (
            np.isnan(found.distinct) if found.distinct.dtype.kind == "f" else np.zeros(len(found.distinct))
        )
        states = np.where(missing, 2, 0)[found.codes]
        return self._counted(Column.of(states), cluster)

    def count_ages(self, column: str, *, end: datetime, period: timedelta) -> SideCounts:
        since = int(end.timestamp() * 1e6) - _microseconds(self.values(column))
        return self._counted(Column.of(since // int(period.total_seconds() * 1e6)), None)

    def quantiles(self, column: str, probabilities: FloatArray) -> FloatArray:
        values = self.values(column)
        return np.asarray(np.quantile(values, probabilities, method="inverted_cdf"), dtype=np.float64)

    def moments(self, column: str) -> Moments:
        values = self.values(column)
        return Moments(len(values), float(values.mean()), float(values.std()))

    def distances(self, current: "MemoryWindow", column: str) -> tuple[float, float]:
        before, after = np.sort(self.values(column)), np.sort(current.values(column))
        both = np.sort(np.concatenate([before, after]))
        gap = np.abs(_distribution(before, both) - _distribution(after, both))
        return float(gap.max()), float((gap[:-1] * np.diff(both)).sum())

    def most_frequent(self, column: str, size: int) -> tuple[str, ...]:
        found = self._columns[column]
        counts = np.bincount(found.codes, minlength=len(found.distinct))
        order = np.argsort(-counts, kind="stable")[:size]
        return tuple(str(found.distinct[i]) for i in order if counts[i])

    def segment(self, column: str, value: str) -> "MemoryWindow":
        found = self._columns[column]
        rows = found.distinct.astype(str)[found.codes] == value
        return MemoryWindow(self.side, take(self._columns, rows), self.span, self.slots)

    def numbers(self, columns: Sequence[str], cluster: Cluster | None) -> "MemoryRows":
        values = np.stack([self.values(name) for name in columns], axis=1).astype(np.float64)
        if cluster is None:
            return MemoryRows(values, None)
        return MemoryRows(values, self._clusters(cluster).values, self._slots(cluster))

    def facts(self, columns: Sequence[str], *, key: tuple[str, ...] = ()) -> Facts:
        found = {name: self._columns[name].distinct for name in columns}
        numbers = {name: item for name, item in found.items() if item.dtype.kind in "fi"}
        extremes = {name: (float(item[0]), float(item[-1])) for name, item in numbers.items() if len(item)}
        known = {name: ColumnFacts(0, 0, *extremes.get(name, (None, None))) for name in found}
        keys = [self._columns[name].codes for name in key]
        distinct = np.unique(np.stack(keys), axis=1).shape[1] if keys else 0
        return Facts(self.rows(), known, self.rows() if keys else 0, distinct)

    def _clusters(self, cluster: Cluster) -> Column:
        found = self._columns[cluster.column]
        if cluster.block is None:
            return found
        length = int(cluster.block.total_seconds() * 1e6)
        return Column.of(_microseconds(found.values) // length)

    def _slots(self, cluster: Cluster) -> Slotted | None:
        if self.slots is None or cluster.block is not None:
            return None
        slots = self.slots
        since = int(slots.end.timestamp() * 1e6) - _microseconds(self.values(slots.column))
        age = since // int(slots.length.total_seconds() * 1e6)
        return Slotted(np.clip(age, 0, slots.number), slots.number)

    def _counted(self, column: Column, cluster: Cluster | None) -> SideCounts:
        if cluster is None:
            counts = np.bincount(column.codes, minlength=len(column.distinct))
            return SideCounts(column.distinct, counts)
        clusters = self._clusters(cluster)
        width = len(clusters.distinct)
        slots = self._slots(cluster)
        pairs = column.codes * width + clusters.codes
        if slots is None:
            cells = np.bincount(pairs)
            there = np.flatnonzero(cells)
            return SideCounts(column.distinct[there // width], cells[there], clusters.distinct[there % width])
        deep = slots.number + 1
        found, counts = np.unique(pairs * deep + slots.slot, return_counts=True)
        pairs, slot = found // deep, found % deep
        return SideCounts(
            column.distinct[pairs // width],
            counts,
            clusters.distinct[pairs % width],
            Slotted(slot, slots.number),
        )


@dataclass(frozen=True)
class MemoryRows:
    """`recwatch_exporter.data.Rows` over arrays."""

    values: FloatArray
    clusters: NDArray[Any] | None
    slots: Slotted | None = None
    left_out: int = 0

    @property
    def n(self) -> int:
        return len(self.values)

    @property
    def dimensions(self) -> int:
        return int(self.values.shape[1])

    def sample(self, size: int, *, seed: int) -> Sample:
        if size >= self.n:
            return Sample(self.values, self.clusters, self.slots)
        return self._some(np.sort(np.random.default_rng(seed).choice(self.n, size, replace=False)))

    def batches(self) -> Iterator[Sample]:
        for start in range(0, self.n, _BATCH):
            yield self._some(np.arange(start, min(start + _BATCH, self.n)))

    def _some(self, rows: NDArray[Any]) -> Sample:
        return Sample(
            self.values[rows],
            None if self.clusters is None else self.clusters[rows],
            None if self.slots is None else self.slots.take(rows),
        )


def _occurring(column: Column) -> Column:
    """The same without values that no row holds."""
    there = np.bincount(column.codes, minlength=len(column.distinct)) > 0
    if there.all():
        return column
    return Column(column.distinct[there], (np.cumsum(there) - 1)[column.codes])


def _microseconds(times: NDArray[Any]) -> IntArray:
    return np.asarray(times.astype("datetime64[us]").astype(np.int64))


def _distribution(ordered: NDArray[Any], points: NDArray[Any]) -> FloatArray:
    return np.asarray(np.searchsorted(ordered, points, side="right") / len(ordered), dtype=np.float64)
