"""Fourier sums of any number of rows, by block or by cluster: what a permutation needs, and no more."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Sample
from recwatch_exporter.statistics.fourier import FourierMap
from recwatch_exporter.statistics.hashing import plain_ids, ranks
from recwatch_exporter.statistics.scaling import Scale


@dataclass(frozen=True)
class Space:
    """How a row becomes features."""

    scale: Scale
    fourier: FourierMap

    def add(self, sums: FloatArray, unit: NDArray[Any], rows: FloatArray) -> None:
        """Add the features of rows (n, columns) to the sums (units, features) of their units (n,)."""
        self.fourier.add_sums(sums, unit, self.scale.apply(rows))


@dataclass(frozen=True)
class BlockSums:
    """Sums of blocks that all have the same number of rows, so that they can change places.

    Attributes:
        size: rows of a block.
        sums: (blocks, features).
        rest: (features,) of the rows that fill no block.
        rest_rows: how many those are.
    """

    size: int
    sums: FloatArray
    rest: FloatArray
    rest_rows: int

    def merged(self, number: int) -> "BlockSums":
        """Blocks of so many of these; those that are over join the rest."""
        blocks = len(self.sums) // number
        together = self.sums[: blocks * number].reshape(blocks, number, self.sums.shape[1]).sum(axis=1)
        over = self.sums[blocks * number :]
        return BlockSums(
            self.size * number, together, self.rest + over.sum(axis=0), self.rest_rows + len(over) * self.size
        )


def block_sums(
    batches: Iterable[Sample], n: int, size: int, space: Space, rng: np.random.Generator
) -> BlockSums:
    """Put rows into blocks of one size, whatever order they come in.

    Args:
        batches: n rows.
        n: how many.
        size: of a block.
        space: of features.
        rng: says which rows of a batch go into which block.
    """
    blocks = n // size
    sums = np.zeros((blocks + 1, space.fourier.features))
    seen = 0
    for batch in batches:
        # One row to each block in turn, so that every block gets rows of every batch; what is over is the
        # rest.
        place = seen + rng.permutation(len(batch.values))
        unit = np.where(place < blocks * size, place % max(1, blocks), blocks)
        space.add(sums, unit, batch.values)
        seen += len(batch.values)
    return BlockSums(size, sums[:-1], sums[-1], seen - min(seen, blocks * size))


@dataclass(frozen=True)
class ClusterSums:
    """Sums of whole clusters: all of them, or those that chance keeps.

    Attributes:
        clusters: (clusters,) their ids, each once.
        ranks: (clusters,) the chance of each, `hashing.ranks`.
        rows: (clusters,) rows of each.
        sums: (clusters, features).
        below: clusters with a rank below it are kept; 1 where all are.
    """

    clusters: NDArray[Any]
    ranks: FloatArray
    rows: FloatArray
    sums: FloatArray
    below: float

    def thinned(self, below: float) -> "ClusterSums":
        """The clusters with a rank below that."""
        keep = self.ranks < below
        return ClusterSums(
            self.clusters[keep], self.ranks[keep], self.rows[keep], self.sums[keep], min(below, self.below)
        )


def cluster_sums(batches: Iterable[Sample], space: Space, *, limit: int, seed: int) -> ClusterSums:
    """Sum up by cluster, in one pass and bounded memory.

    Where there are more than `limit` clusters, those with the smallest ranks are kept (bottom-k sampling,
    Cohen and Kaplan, 2007). A rank belongs to the cluster's id: whole clusters are drawn, the same on either
    side.

    Args:
        batches: rows with clusters.
        space: of features.
        limit: most clusters to keep; up to twice as many while summing.
        seed: of the ranks.
    """
    found: ClusterSums | None = None
    for batch in batches:
        assert batch.clusters is not None  # noqa: S101 - asked for
        ids, index = np.unique(plain_ids(batch.clusters), return_inverse=True)
        rank = ranks(ids, seed=seed)
        below = 1.0 if found is None else found.below
        kept = rank < below
        rows = kept[index]
        place = np.cumsum(kept) - 1
        sums = np.zeros((int(kept.sum()), space.fourier.features))
        space.add(sums, place[index[rows]], batch.values[rows])
        counts = np.bincount(place[index[rows]], minlength=len(sums)).astype(np.float64)
        part = ClusterSums(ids[kept], rank[kept], counts, sums, below)
        found = part if found is None else _together(found, part)
        if len(found.clusters) > 2 * limit:
            found = found.thinned(float(np.partition(found.ranks, limit)[limit]))
    if found is None:
        empty = np.empty(0)
        return ClusterSums(empty, empty, empty, np.empty((0, space.fourier.features)), 1.0)
    if len(found.clusters) > limit:
        found = found.thinned(float(np.partition(found.ranks, limit)[limit]))
    return found


def _together(first: ClusterSums, second: ClusterSums) -> ClusterSums:
    """Both, the clusters that both have summed up; the first one's arrays are used again where possible."""
    place = np.searchsorted(first.clusters, second.clusters)
    known = place < len(first.clusters)
    known[known] = first.clusters[place[known]] == second.clusters[known]
    first.rows[place[known]] += second.rows[known]
    first.sums[place[known]] += second.sums[known]
    if known.all():
        return first
    ids = np.concatenate([first.clusters, second.clusters[~known]])
    order = np.argsort(ids, kind="stable")
    return ClusterSums(
        ids[order],
        np.concatenate([first.ranks, second.ranks[~known]])[order],
        np.concatenate([first.rows, second.rows[~known]])[order],
        np.concatenate([first.sums, second.sums[~known]])[order],
        first.below,
    )
