"""How often each value occurs in each cluster, on both sides: all that a count type needs of the data."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray, Frozen
from recwatch_exporter.data import SideCounts
from recwatch_exporter.statistics.hashing import short_texts

IndexArray = NDArray[np.int32]
_LARGEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Coded:
    """Entries as positions among their distinct values.

    Attributes:
        distinct: (distinct,) ascending, each once; text is of fixed width, see `hashing.short_texts`; whole
            numbers are int64 where they fit.
        index: (entries,) which of them each entry is.
    """

    distinct: NDArray[Any]
    index: IndexArray

    @classmethod
    def of(cls, entries: NDArray[Any]) -> Self:
        """Find the distinct entries by hashing: on millions of entries ten times as fast as sorting them."""
        if entries.dtype.kind == "f":
            entries = entries + 0.0  # -0.0 is 0.0
        encoded = pa.array(entries, from_pandas=False).dictionary_encode()
        distinct = encoded.dictionary.to_numpy(zero_copy_only=False)
        if distinct.dtype.kind == "O":
            distinct = short_texts(distinct)
        if distinct.dtype.kind == "u" and distinct.max(initial=0) <= _LARGEST:
            distinct = distinct.astype(np.int64)
        order = np.argsort(distinct, kind="stable")
        place = np.empty(len(order), dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return cls(distinct[order], place[encoded.indices.to_numpy()])

    def unsigned(self) -> Self:
        """The same of whole numbers from 0 on, as uint64."""
        return type(self)(self.distinct.astype(np.uint64), self.index)


@dataclass(frozen=True)
class Tally:
    """Counts of one window: entry i says that a value (of a cluster) occurs `counts[i]` times.

    Attributes:
        values: whose count it is.
        counts: (entries,) how often.
        clusters: of which cluster; None where rows are taken as independent.
    """

    values: Coded
    counts: FloatArray
    clusters: Coded | None = None

    @classmethod
    def of(cls, side: SideCounts) -> Self:
        """Code what a source has counted."""
        clusters = None if side.clusters is None else Coded.of(side.clusters)
        return cls(Coded.of(side.values), side.counts.astype(np.float64), clusters)

    @classmethod
    def thawed(cls, frozen: Frozen) -> Self:
        """What `frozen` gave, back from a profile."""
        clusters = None
        if "clusters" in frozen:
            clusters = Coded(frozen["clusters"], frozen["cluster_index"])
        return cls(Coded(frozen["values"], frozen["value_index"]), frozen["counts"], clusters)

    def frozen(self) -> dict[str, NDArray[Any]]:
        """Named arrays, as a profile keeps them."""
        arrays: dict[str, NDArray[Any]] = {
            "values": self.values.distinct,
            "value_index": self.values.index,
            "counts": self.counts,
        }
        if self.clusters is not None:
            arrays |= {"clusters": self.clusters.distinct, "cluster_index": self.clusters.index}
        return arrays

    @property
    def total(self) -> int:
        """Rows of the window that have a value and a cluster."""
        return int(self.counts.sum())

    def totals(self) -> FloatArray:
        """(distinct values,) how often each occurs."""
        return _sums(self.values.index, self.counts, len(self.values.distinct))

    def in_cells(self, edges: FloatArray) -> Self:
        """The same rows counted by cell: the value is how many edges are at most what it was."""
        cell = np.searchsorted(edges, self.values.distinct, side="right")
        return type(self)(
            Coded(np.arange(len(edges) + 1), cell.astype(np.int32)[self.values.index]),
            self.counts,
            self.clusters,
        )


@dataclass(frozen=True)
class Entries:
    """Counts of one window by index: cluster `clusters[i]` has value `values[i]` `counts[i]` times."""

    clusters: IndexArray
    values: IndexArray
    counts: FloatArray


@dataclass(frozen=True)
class Counts:
    """Both windows over the same values and the same clusters.

    Attributes:
        values: (values,) of either side, ascending, each once.
        reference: (values,) how often each occurs in the reference window.
        current: (values,) likewise in the current window.
        n_clusters: how many clusters there are on either side; None where rows are taken as independent.
        by_cluster: reference and current by cluster; None where rows are taken as independent.
    """

    values: NDArray[Any]
    reference: FloatArray
    current: FloatArray
    n_clusters: int | None = None
    by_cluster: tuple[Entries, Entries] | None = None


def align(reference: Tally, current: Tally) -> Counts:
    """Bring two windows to the same values and the same clusters.

    Args:
        reference: counts of the reference window.
        current: counts of the current window; clusters on both sides or on neither.
    """
    values, before, after = _merged(reference.values, current.values)
    totals = (
        _sums(before, reference.counts, len(values)),
        _sums(after, current.counts, len(values)),
    )
    if reference.clusters is None or current.clusters is None:
        return Counts(values, *totals)
    clusters, of_reference, of_current = _merged(reference.clusters, current.clusters)
    entries = (
        Entries(of_reference, before, reference.counts),
        Entries(of_current, after, current.counts),
    )
    return Counts(values, *totals, len(clusters), entries)


def _sums(index: IndexArray, counts: FloatArray, length: int) -> FloatArray:
    return np.bincount(index, weights=counts, minlength=length).astype(np.float64)


def _merged(first: Coded, second: Coded) -> tuple[NDArray[Any], IndexArray, IndexArray]:
    """The distinct entries of both, ascending, and where each one's entries stand among them."""
    if len(first.distinct) == 0 or len(second.distinct) == 0:
        distinct = second.distinct if len(first.distinct) == 0 else first.distinct
        return distinct, first.index, second.index  # an empty side has no type of its own
    if {first.distinct.dtype.kind, second.distinct.dtype.kind} == {"i", "u"}:
        # NumPy would bring them together as floats, in which large ids are the same.
        first, second = first.unsigned(), second.unsigned()
    distinct = np.union1d(first.distinct, second.distinct)
    places = (
        np.searchsorted(distinct, coded.distinct).astype(np.int32)[coded.index] for coded in (first, second)
    )
    return distinct, next(places), next(places)
