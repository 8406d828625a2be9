"""P-values by permutation: how often chance alone gives a figure as bad as the one observed.

Interactions come in bursts by user, so they are not independent: where a cluster is known, whole clusters are
permuted. A block of permutations is one product of a sparse matrix, each cluster's counts by value, and the
clusters' labels; dense clusters times values never exist, so a hundred thousand items are no obstacle.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import exp, inf, lgamma, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.statistics.counts import Counts, Entries, IndexArray

Draw = tuple[FloatArray, FloatArray]
"""A block of permutations: counts of the reference and of the current window, both (permutations, values)."""

Compare = Callable[[FloatArray, FloatArray], FloatArray]
"""A statistic of counts of the reference and of the current window."""

Change = Any  # a sparse matrix: scipy's types do not know one whose numbers are of either width

_BLOCK_CELLS = 2**21  # numbers in one matrix: 16 MiB, whatever the data's size
_MOST_AT_ONCE = 256  # permutations of one block: more are no quicker
_EXACT_FLOAT32 = 2**24  # whole numbers up to here, and their sums, are exact in half the memory
_MANY = 100.0  # a logarithm; its exponential is beyond any number of permutations
_MOST_ROWS = 10**9  # numpy draws without putting back from fewer rows than that


@dataclass(frozen=True)
class PermutationTest:
    """What chance alone gives.

    Attributes:
        p_value: share of permutations at least as bad as what was observed, the observed one counted among
            them: (1 + exceedances) / (1 + permutations), so never 0 (Phipson and Smyth, 2010).
        null: (permutations,) the statistic of each; NaN where it is not defined.
        null_effects: (permutations,) the effect of each: the statistic, unless it was asked for by itself.
    """

    p_value: float
    null: FloatArray
    null_effects: FloatArray

    @property
    def null_mean(self) -> float:
        """Mean of the statistic over the permutations in which it is defined; 0 if there is none."""
        defined = self.null[~np.isnan(self.null)]
        return float(defined.mean()) if len(defined) else 0.0


def permutation_test(
    observed: float,
    draws: Iterable[Draw],
    compare: Compare,
    bad: Direction,
    *,
    effect: Compare | None = None,
) -> PermutationTest:
    """Compare what was observed with what permuting gives.

    A permutation in which the statistic is not defined counts as an exceedance: the p-value errs towards no
    drift.

    Args:
        observed: the statistic of the data.
        draws: blocks of permuted counts.
        compare: the statistic.
        bad: whether high or low values are the bad ones.
        effect: another figure that is wanted of every permutation.
    """
    statistics: list[FloatArray] = [np.empty(0)]
    effects: list[FloatArray] = [np.empty(0)]
    for reference, current in draws:
        statistics.append(compare(reference, current))
        if effect is not None:
            effects.append(effect(reference, current))
    null = np.concatenate(statistics)
    # Values that are equal on paper differ in the last bit when they are summed in another order.
    tolerance = 1e-12 * max(1.0, abs(observed))
    as_bad = null >= observed - tolerance if bad is Direction.HIGH else null <= observed + tolerance
    exceedances = int(np.count_nonzero(as_bad | np.isnan(null)))
    return PermutationTest(
        (1 + exceedances) / (1 + len(null)), null, null if effect is None else np.concatenate(effects)
    )


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


def most_permutations(counts: Counts) -> float:
    """How many different permutations of the clusters there are; infinite where they are beyond number.

    No p-value is smaller than one in so many, but for those that are as bad by chance.
    """
    if counts.by_cluster is None or counts.n_clusters is None:
        return inf
    on_reference, on_current = (_occurs(side.clusters, counts.n_clusters) for side in counts.by_cluster)
    paired = int(np.count_nonzero(on_reference & on_current))
    moving, single = int(np.count_nonzero(on_current)) - paired, counts.n_clusters - paired
    logarithm = lgamma(single + 1) - lgamma(moving + 1) - lgamma(single - moving + 1) + paired * log(2)
    return exp(logarithm) if logarithm < _MANY else inf


def _block_sizes(permutations: int, width: int) -> Iterator[int]:
    size = min(_MOST_AT_ONCE, max(1, _BLOCK_CELLS // max(1, width)))
    for start in range(0, permutations, size):
        yield min(size, permutations - start)


def _draw_rows(counts: Counts, permutations: int, rng: np.random.Generator) -> Iterator[Draw]:
    """Permuting independent rows is drawing the current window from the pool without putting back.

    From a billion rows on, both windows are drawn with putting back instead: among so many rows the two
    differ by no digit that anybody reads.
    """
    pool = (counts.reference + counts.current).astype(np.int64)
    rows, size = int(pool.sum()), int(counts.current.sum())
    for block in _block_sizes(permutations, len(pool)):
        if rows < _MOST_ROWS:
            current = rng.multivariate_hypergeometric(pool, size, size=block, method="marginals")
            yield (pool - current).astype(np.float64), current.astype(np.float64)
        else:
            shares = pool / rows
            reference = rng.multinomial(rows - size, shares, size=block)
            yield reference.astype(np.float64), rng.multinomial(size, shares, size=block).astype(np.float64)


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
    "current = start + change @ moved", where `change` has one column a cluster.
    """
    on_reference, on_current = (_occurs(side.clusters, n_clusters) for side in sides)
    both = on_reference & on_current
    paired, single = np.flatnonzero(both), np.flatnonzero(~both)
    labels = np.zeros(len(single), dtype=np.uint8)
    labels[: int(np.count_nonzero(on_current[single]))] = 1
    start = _paired_current(sides[1], both, len(counts.values))
    change = _change(sides, both, (len(counts.values), n_clusters))
    pool = counts.reference + counts.current
    for block in _block_sizes(permutations, max(len(pool), n_clusters)):
        moved = np.empty((n_clusters, block), dtype=change.dtype)
        moved[paired] = rng.integers(0, 2, size=(len(paired), block), dtype=np.uint8)
        moved[single] = rng.permuted(np.broadcast_to(labels, (block, len(single))), axis=1).T
        current = start + np.ascontiguousarray((change @ moved).T, dtype=np.float64)
        yield pool - current, current


def _occurs(clusters: IndexArray, n_clusters: int) -> NDArray[np.bool_]:
    found = np.zeros(n_clusters, dtype=np.bool_)
    found[clusters] = True
    return found


def _paired_current(current: Entries, both: NDArray[np.bool_], n_values: int) -> FloatArray:
    """Current counts of the clusters that have rows on both sides: what they give when they do not swap."""
    keep = both[current.clusters]
    return np.bincount(current.values[keep], weights=current.counts[keep], minlength=n_values).astype(
        np.float64
    )


def _change(sides: tuple[Entries, Entries], both: NDArray[np.bool_], shape: tuple[int, int]) -> Change:
    """What each cluster adds to the current window when it moves there (or swaps): (values, clusters)."""
    reference, current = sides
    leaving = np.where(both[current.clusters], -current.counts, current.counts)
    counts = np.concatenate([reference.counts, leaving])
    values = np.concatenate([reference.values, current.values])
    clusters = np.concatenate([reference.clusters, current.clusters])
    exact = float(np.abs(counts).sum()) < _EXACT_FLOAT32
    found: NDArray[Any] = counts.astype(np.float32 if exact else np.float64)
    return sparse.coo_array((found, (values, clusters)), shape=shape).tocsr()
