"""A bounded number of rows of whole clusters, drawn by the clusters' ids."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Sample
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
    """

    values: FloatArray
    clusters: NDArray[Any]
    ranks: FloatArray
    below: float

    def thinned(self, below: float) -> Self:
        """The rows of the clusters with a rank below that."""
        keep = self.ranks < below
        return replace(
            self,
            values=self.values[keep],
            clusters=self.clusters[keep],
            ranks=self.ranks[keep],
            below=min(below, self.below),
        )


def whole_clusters(batches: Iterable[Sample], dimensions: int, *, size: int, seed: int) -> Clustered:
    """Rows of whole clusters, at most `size` rows, in one pass.

    The clusters with the smallest ranks are kept (bottom-k sampling, Cohen and Kaplan, 2007), the same on
    either side. A cluster of more than a fiftieth of `size` counts by so many of its rows, those with the
    smallest hashes of what they hold: one that is far larger than others would leave no place for them, and
    what is done to every cluster alike leaves them exchangeable. In whatever order rows come, the same are
    kept, in the same order.

    Args:
        batches: rows with clusters.
        dimensions: columns of a row.
        size: most rows to keep.
        seed: of the ranks.
    """
    most = max(1, size // _SHARE_OF_ONE)
    found = Clustered(np.empty((0, dimensions)), np.empty(0, dtype=np.int64), np.empty(0), 1.0)
    for batch in batches:
        assert batch.clusters is not None  # noqa: S101 - asked for
        ids, index = np.unique(plain_ids(batch.clusters), return_inverse=True)
        new = Clustered(batch.values, ids[index], ranks(ids, seed=seed)[index], 1.0).thinned(found.below)
        empty = not len(found.values)
        values = np.concatenate([found.values, new.values])
        clusters = new.clusters if empty else np.concatenate([found.clusters, new.clusters])
        rank = np.concatenate([found.ranks, new.ranks])
        order = np.lexsort((hash_rows(Sample(values), seed), rank))
        keep = order[_occurrence(rank[order]) < most]
        found = _bounded(Clustered(values[keep], clusters[keep], rank[keep], found.below), size)
    return found


def _occurrence(rank: FloatArray) -> NDArray[np.int64]:
    """How many rows of the same cluster come before each: (rows,) of ascending ranks."""
    starts = np.r_[True, rank[1:] != rank[:-1]][: len(rank)]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(rank)), 0))
    return np.arange(len(rank), dtype=np.int64) - first


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
