"""P-values by permutation: how often chance alone gives a figure as bad as the one observed.

Interactions come in bursts by user, so they are not independent: where a cluster is known, whole clusters are
permuted. All permutations of a block are one matrix product of assignments and cluster counts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.data import IntArray
from recwatch_exporter.statistics.counts import Counts, Entries

Draw = tuple[FloatArray, FloatArray]
"""A block of permutations: counts of the reference and of the current window, both (permutations, values)."""

_BLOCK_CELLS = 2**21  # numbers in one matrix: 16 MiB, whatever the data's size


@dataclass(frozen=True)
class PermutationTest:
    """What chance alone gives.

    Attributes:
        p_value: share of permutations at least as bad as what was observed, the observed one counted among
            them: (1 + exceedances) / (1 + permutations), so never 0 (Phipson and Smyth, 2010).
        null_mean: mean of the statistic over the permutations in which it is defined; 0 if there is none.
    """

    p_value: float
    null_mean: float


def permutation_test(
    observed: float,
    draws: Iterable[Draw],
    compare: Callable[[FloatArray, FloatArray], FloatArray],
    bad: Direction,
) -> PermutationTest:
    """Compare what was observed with what permuting gives.

    A permutation in which the statistic is not defined counts as an exceedance: the p-value errs towards no
    drift.

    Args:
        observed: the statistic of the data.
        draws: blocks of permuted counts.
        compare: the statistic.
        bad: whether high or low values are the bad ones.
    """
    # Values that are equal on paper differ in the last bit when they are summed in another order.
    tolerance = 1e-12 * max(1.0, abs(observed))
    exceedances = permutations = defined = 0
    total = 0.0
    for reference, current in draws:
        drawn = compare(reference, current)
        as_bad = drawn >= observed - tolerance if bad is Direction.HIGH else drawn <= observed + tolerance
        exceedances += int(np.count_nonzero(as_bad | np.isnan(drawn)))
        permutations += len(drawn)
        defined += int(np.count_nonzero(~np.isnan(drawn)))
        total += float(np.nansum(drawn))
    return PermutationTest((1 + exceedances) / (1 + permutations), total / max(1, defined))


def draw_permutations(counts: Counts, permutations: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Permute the window labels of clusters, or of single rows where there are no clusters.

    Args:
        counts: both windows.
        permutations: how many.
        rng: the source of chance.

    Yields:
        Blocks of permuted counts, `permutations` rows altogether.
    """
    if counts.by_cluster is None or counts.n_clusters is None:
        return _draw_rows(counts, permutations, rng)
    return _draw_clusters(counts, counts.n_clusters, counts.by_cluster, permutations, rng)


def _block_sizes(permutations: int, width: int) -> Iterator[int]:
    size = max(1, _BLOCK_CELLS // max(1, width))
    for start in range(0, permutations, size):
        yield min(size, permutations - start)


def _draw_rows(counts: Counts, permutations: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Permuting independent rows is drawing the current window from the pool without putting back."""
    pool = (counts.reference + counts.current).astype(np.int64)
    size = int(counts.current.sum())
    for block in _block_sizes(permutations, len(pool)):
        current = rng.multivariate_hypergeometric(pool, size, size=block, method="marginals")
        yield (pool - current).astype(np.float64), current.astype(np.float64)


def _draw_clusters(
    counts: Counts,
    n_clusters: int,
    sides: tuple[Entries, Entries],
    permutations: int,
    rng: np.random.Generator,
) -> Iterator[Draw]:
    """Permute whole clusters.

    A cluster with rows on one side only changes places with others of its kind, so that each side keeps its
    number of them; a cluster with rows on both sides swaps its two parts with probability 1/2. Both are
    "current = start + moved @ change", where `change` has one row a cluster.
    """
    on_reference, on_current = (_occurs(side.clusters, n_clusters) for side in sides)
    both = on_reference & on_current
    paired, single = np.flatnonzero(both), np.flatnonzero(~both)
    n_current = int(np.count_nonzero(on_current[single]))
    start = _paired_current(sides[1], both, len(counts.values))
    change = _Change.of(sides, both)
    pool = counts.reference + counts.current
    for block in _block_sizes(permutations, max(len(pool), n_clusters)):
        moved = np.empty((block, n_clusters))
        moved[:, paired] = rng.integers(0, 2, size=(block, len(paired)))
        labels = np.broadcast_to(np.arange(len(single)) < n_current, (block, len(single)))
        moved[:, single] = rng.permuted(labels, axis=1)
        current = start + change.apply(moved, len(pool))
        yield pool - current, current


def _occurs(clusters: IntArray, n_clusters: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(n_clusters, dtype=np.bool_)
    found[clusters] = True
    return found


def _paired_current(
    current: Entries, both: np.ndarray[tuple[int], np.dtype[np.bool_]], n_values: int
) -> FloatArray:
    """Current counts of the clusters that have rows on both sides: what they give when they do not swap."""
    keep = both[current.clusters]
    return np.bincount(current.values[keep], weights=current.counts[keep], minlength=n_values).astype(
        np.float64
    )


class _Change:
    """What each cluster adds to the current window when it moves there (or swaps), kept sparse.

    Dense rows are made for a few clusters at a time, so that memory does not grow with clusters times values.
    """

    def __init__(self, clusters: IntArray, values: IntArray, counts: FloatArray) -> None:
        order = np.argsort(clusters, kind="stable")
        self._clusters, self._values, self._counts = clusters[order], values[order], counts[order]

    @classmethod
    def of(
        cls, sides: tuple[Entries, Entries], both: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> "_Change":
        reference, current = sides
        leaving = np.where(both[current.clusters], -current.counts, current.counts)
        return cls(
            np.concatenate([reference.clusters, current.clusters]),
            np.concatenate([reference.values, current.values]),
            np.concatenate([reference.counts, leaving]),
        )

    def apply(self, moved: FloatArray, n_values: int) -> FloatArray:
        """`moved @ change`: (permutations, clusters) to (permutations, values)."""
        n_clusters = moved.shape[1]
        step = max(1, _BLOCK_CELLS // max(1, n_values))
        total = np.zeros((len(moved), n_values))
        for start in range(0, n_clusters, step):
            stop = min(start + step, n_clusters)
            first, last = np.searchsorted(self._clusters, [start, stop])
            cell = (self._clusters[first:last] - start) * n_values + self._values[first:last]
            dense = np.bincount(cell, weights=self._counts[first:last], minlength=(stop - start) * n_values)
            total += moved[:, start:stop] @ dense.reshape(stop - start, n_values)
        return total
