"""How often each value occurs in each cluster, on both sides: all that a count type needs of the data."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray, Frozen
from recwatch_exporter.data import SideCounts, Slotted
from recwatch_exporter.statistics.exposure import deal, frozen_slots, ratio_of, slots_of
from recwatch_exporter.statistics.hashing import short_texts
from recwatch_exporter.statistics.units import Units, units_of_clusters

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
        slots: in which slot of the window; None where it is not cut.
    """

    values: Coded
    counts: FloatArray
    clusters: Coded | None = None
    slots: Slotted | None = None

    @classmethod
    def of(cls, side: SideCounts) -> Self:
        """Code what a source has counted."""
        clusters = None if side.clusters is None else Coded.of(side.clusters)
        return cls(Coded.of(side.values), side.counts.astype(np.float64), clusters, side.slots)

    @classmethod
    def thawed(cls, frozen: Frozen) -> Self:
        """What `frozen` gave, back from a profile."""
        clusters = None
        if "clusters" in frozen:
            clusters = Coded(frozen["clusters"], frozen["cluster_index"])
        values = Coded(frozen["values"], frozen["value_index"])
        return cls(values, frozen["counts"], clusters, slots_of(frozen))

    def frozen(self) -> dict[str, NDArray[Any]]:
        """Named arrays, as a profile keeps them."""
        arrays: dict[str, NDArray[Any]] = {
            "values": self.values.distinct,
            "value_index": self.values.index,
            "counts": self.counts,
        }
        if self.clusters is not None:
            arrays |= {"clusters": self.clusters.distinct, "cluster_index": self.clusters.index}
        arrays |= frozen_slots(self.slots)
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
            self.slots,
        )


@dataclass(frozen=True)
class Entries:
    """Counts of one window by index: cluster `clusters[i]` has value `values[i]` `counts[i]` times."""

    clusters: IndexArray
    values: IndexArray
    counts: FloatArray
    slots: Slotted | None = None


UnitArray = NDArray[np.intp]

UnitsOfEntries = tuple[Units, tuple[Entries, Entries], UnitArray]
"""What is permuted, the entries it is made of, and the unit of each."""


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

    @cached_property
    def units(self) -> UnitsOfEntries | None:
        """What is permuted, the entries it is made of, and the unit of each; None without clusters.

        Where nothing says when a row was, and the windows have not had the same time, the entries of the
        longer one are dealt to slots by chance.
        """
        if self.by_cluster is None:
            return None
        sides = with_slots(self.by_cluster)
        units, unit = units_of_clusters(
            sides[0].clusters,
            sides[1].clusters,
            (sides[0].slots, sides[1].slots),
            np.concatenate([side.counts for side in sides]),
        )
        return units, sides, unit


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
        Entries(of_reference, before, reference.counts, reference.slots),
        Entries(of_current, after, current.counts, current.slots),
    )
    return Counts(values, *totals, len(clusters), entries)


def with_slots(sides: tuple[Entries, Entries]) -> tuple[Entries, Entries]:
    """The same, the longer window dealt to slots by chance where it has none and should."""
    reference, current = sides
    if reference.slots is not None or current.slots is not None:
        return sides
    ratio = ratio_of(*(_sums(side.clusters, side.counts, 0) for side in sides))
    if ratio is None:
        return sides
    return (_dealt(reference, ratio), current) if ratio > 1 else (reference, _dealt(current, 1 / ratio))


def _dealt(side: Entries, ratio: float) -> Entries:
    order = np.lexsort([side.values, side.clusters])  # by content: engines give rows in any order
    entry, counts, slots = deal(side.counts[order], ratio)
    kept = order[entry]
    return Entries(side.clusters[kept], side.values[kept], counts, slots)


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
