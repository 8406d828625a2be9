"""A bounded number of rows of whole clusters, drawn by the clusters' ids."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Sample, Slotted, joined
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.sources.rows import hash_rows
from recwatch_exporter.statistics.hashing import plain_ids, ranks

_SHARE_OF_ONE = 50


@dataclass(frozen=True)
class Clustered:
    """Rows of some clusters.

    Attributes:
        values: (rows, columns).
        clusters: (rows,)
        ranks: (rows,) the chance of each row's cluster, `hashing.ranks`.
        below: clusters with a rank below it are kept; 1 where all are.
        slots: in which slot of the window each row is; None where it is not cut.
    """

    values: FloatArray
    clusters: NDArray[Any]
    ranks: FloatArray
    below: float
    slots: Slotted | None = None

    def take(self, rows: NDArray[Any]) -> Self:
        """Some rows."""
        return replace(
            self,
            values=self.values[rows],
            clusters=self.clusters[rows],
            ranks=self.ranks[rows],
            slots=None if self.slots is None else self.slots.take(rows),
        )

    def thinned(self, below: float) -> Self:
        """The rows of the clusters with a rank below that."""
        return replace(self.take(np.flatnonzero(self.ranks < below)), below=min(below, self.below))

    def lightened(self, most: int, *, seed: int) -> Self:
        """At most so many rows of a cluster in a slot: by their content, in whatever order they come."""
        hashes = hash_rows(Sample(self.values), seed)
        slot = np.zeros(len(hashes), dtype=np.int64) if self.slots is None else self.slots.slot
        return self.take(_first(most, self.ranks, slot, hashes))


def heaviest(size: int) -> int:
    """The most rows of a cluster in a slot, where `size` rows are kept in all."""
    return max(1, size // _SHARE_OF_ONE)


def whole_clusters(batches: Iterable[Sample], dimensions: int, *, size: int, seed: int) -> Clustered:
    """Rows of whole clusters, at most `size` rows, in one pass.

    The clusters with the smallest ranks are kept (bottom-k sampling, Cohen and Kaplan, 2007), the same on
    either side. A cluster of more than a fiftieth of `size` in one slot counts by so many of its rows, taken
    by a hash of their content: one that is far larger than others would leave no place for them, and what is
    done to every slot of every cluster alike leaves them exchangeable.
    In whatever order rows come, the same are kept, in the same order.

    Args:
        batches: rows with clusters.
        dimensions: columns of a row.
        size: most rows to keep.
        seed: of the ranks.
    """
    found = Clustered(np.empty((0, dimensions)), np.empty(0, dtype=np.int64), np.empty(0), 1.0)
    for batch in batches:
        assert batch.clusters is not None  # noqa: S101 - asked for
        ids, index = np.unique(plain_ids(batch.clusters), return_inverse=True)
        new = Clustered(batch.values, ids[index], ranks(ids, seed=seed)[index], 1.0, batch.slots).thinned(
            found.below
        )
        empty = not len(found.values)
        both = Clustered(
            np.concatenate([found.values, new.values]),
            new.clusters if empty else np.concatenate([found.clusters, new.clusters]),
            np.concatenate([found.ranks, new.ranks]),
            found.below,
            new.slots if empty else joined([found.slots, new.slots]),
        )
        found = _bounded(both.lightened(heaviest(size), seed=seed), size)
    return found


def _first(most: int, rank: FloatArray, slot: NDArray[Any], hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """The rows that are among the `most` with the least hashes of their cluster and slot."""
    order = np.lexsort([hashes, slot, rank])
    cell = np.stack([rank[order], slot[order].astype(np.float64)])
    starts = np.r_[True, (cell[:, 1:] != cell[:, :-1]).any(axis=0)][: len(order)]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    return np.asarray(order[np.arange(len(order)) - first < most], dtype=np.intp)


def _bounded(found: Clustered, size: int) -> Clustered:
    if len(found.ranks) <= size:
        return found
    return found.thinned(float(np.partition(found.ranks, size)[size]))


class Thinnable(Protocol):
    """What some clusters of a window come down to."""

    @property
    def clusters(self) -> NDArray[Any]:
        """Their ids."""
        ...

    @property
    def below(self) -> float:
        """Clusters with a rank below it are kept; 1 where all are."""
        ...

    def thinned(self, below: float) -> Self:
        """What the clusters with a rank below that come down to."""
        ...


T = TypeVar("T", bound=Thinnable)


def same_share(first: T, second: T) -> tuple[T, T]:
    """Both so that a cluster with rows on both sides has them both, or neither.

    Where clusters are in both windows, and one window keeps more of its clusters than the other, a cluster of
    it may have lost its other half: so both keep the same share then.
    """
    if first.below == second.below or not np.isin(first.clusters, second.clusters).any():
        return first, second
    below = min(first.below, second.below)
    return first.thinned(below), second.thinned(below)


def of_one_kind(reference: NDArray[Any], current: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The clusters of both windows, such that equal ones are equal.

    Raises:
        StatisticError: when one window has text and the other has numbers.
    """
    reference, current = plain_ids(reference), plain_ids(current)
    if len(reference) and len(current) and (reference.dtype.kind == "U") != (current.dtype.kind == "U"):
        raise StatisticError("cluster holds text in one window and numbers in the other: write one of them")
    return reference, current
