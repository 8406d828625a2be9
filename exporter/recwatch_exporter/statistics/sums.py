"""Fourier sums of any number of rows, by block or by cluster: what a permutation needs, and no more."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Sample, Slotted, joined
from recwatch_exporter.statistics.fourier import FourierMap
from recwatch_exporter.statistics.hashing import plain_ids, ranks
from recwatch_exporter.statistics.scaling import Scale

_SLOT_BITS = 9


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
        clusters: (sums,) their ids; each once, or once for each slot.
        ranks: (sums,) the chance of each, `hashing.ranks`, ascending.
        rows: (sums,) rows of each.
        sums: (sums, features).
        below: clusters with a rank below it are kept; 1 where all are.
        slots: of each; None where the window is not cut.
    """

    clusters: NDArray[Any]
    ranks: FloatArray
    rows: FloatArray
    sums: FloatArray
    below: float
    slots: Slotted | None = None

    def thinned(self, below: float) -> "ClusterSums":
        """The clusters with a rank below that."""
        return replace(self.take(np.flatnonzero(self.ranks < below)), below=min(below, self.below))

    def take(self, which: NDArray[np.intp]) -> "ClusterSums":
        """Some of them."""
        return ClusterSums(
            self.clusters[which],
            self.ranks[which],
            self.rows[which],
            self.sums[which],
            self.below,
            None if self.slots is None else self.slots.take(which),
        )

    @property
    def keys(self) -> NDArray[np.uint64]:
        """(sums,) a number for each cluster and slot: 53 bits of the cluster's rank, then the slot."""
        rank = (self.ranks * 2.0**53).astype(np.uint64) << np.uint64(_SLOT_BITS)
        return rank if self.slots is None else rank | self.slots.slot.astype(np.uint64)


def cluster_sums(batches: Iterable[Sample], space: Space, *, limit: int, seed: int) -> ClusterSums:
    """Sum up by cluster, in one pass and bounded memory.

    Where there are more than `limit` clusters, those with the smallest ranks are kept (bottom-k sampling,
    Cohen and Kaplan, 2007). A rank belongs to the cluster's id: whole clusters are drawn, the same on either
    side.

    Args:
        batches: rows with clusters.
        space: of features.
        limit: most sums to keep; up to twice as many while summing.
        seed: of the ranks.
    """
    found: ClusterSums | None = None
    for batch in batches:
        assert batch.clusters is not None  # noqa: S101 - asked for
        ids, index = np.unique(plain_ids(batch.clusters), return_inverse=True)
        rank = ranks(ids, seed=seed)
        below = 1.0 if found is None else found.below
        kept = rank < below
        rows = np.flatnonzero(kept[index])
        slot = 0 if batch.slots is None else batch.slots.slot[rows].astype(np.int64)
        cells, unit = np.unique((index[rows] << _SLOT_BITS) + slot, return_inverse=True)
        sums = np.zeros((len(cells), space.fourier.features))
        space.add(sums, unit, batch.values[rows])
        whose = cells >> _SLOT_BITS
        slots = None if batch.slots is None else Slotted(cells & (2**_SLOT_BITS - 1), batch.slots.number)
        counts = np.bincount(unit, minlength=len(cells)).astype(np.float64)
        part = ClusterSums(ids[whose], rank[whose], counts, sums, below, slots)
        part = part.take(np.argsort(part.keys, kind="stable"))
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
    keys, new = first.keys, second.keys
    place = np.searchsorted(keys, new)
    known = place < len(keys)
    known[known] = keys[place[known]] == new[known]
    first.rows[place[known]] += second.rows[known]
    first.sums[place[known]] += second.sums[known]
    if known.all():
        return first
    second = second.take(np.flatnonzero(~known))
    both = ClusterSums(
        np.concatenate([first.clusters, second.clusters]),
        np.concatenate([first.ranks, second.ranks]),
        np.concatenate([first.rows, second.rows]),
        np.concatenate([first.sums, second.sums]),
        first.below,
        joined([first.slots, second.slots]),
    )
    return both.take(np.argsort(both.keys, kind="stable"))
