"""P-values by permutation: how often chance alone gives a figure as bad as the one observed.

Interactions come in bursts by user, so they are not independent: where a cluster is known, whole clusters are
permuted. A block of permutations is one product of a sparse matrix, each cluster's counts by value, and the
clusters' labels; dense clusters times values never exist, so a hundred thousand items are no obstacle.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.statistics.counts import Counts, Entries, UnitArray, UnitsOfEntries

Draw = tuple[FloatArray, FloatArray]
"""A block of permutations: counts of the reference and of the current window, both (permutations, values)."""

Compare = Callable[[FloatArray, FloatArray], FloatArray]
"""A statistic of counts of the reference and of the current window."""

Matrix = Any  # a sparse matrix: scipy's types do not know one whose numbers are of either width

_BLOCK_CELLS = 2**21  # numbers in one matrix: 16 MiB, whatever the data's size
_BYTES = 8  # a choice of units takes as many times less room than numbers
_MOST_AT_ONCE = 256  # permutations of one block: more are no quicker
_EXACT_FLOAT32 = 2**24  # whole numbers up to here, and their sums, are exact in half the memory
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
    if counts.units is None:
        return _draw_rows(counts, permutations, rng)
    return _draw_clusters(counts, counts.units, permutations, rng)


def clusters_of(counts: Counts, alpha: float, permutations: int) -> dict[str, Any]:
    """What is to be said about the clusters: details of a measurement.

    Args:
        counts: both windows.
        alpha: p-values above it tell of no drift.
        permutations: how many are drawn.
    """
    if counts.units is None:
        return {}
    return counts.units[0].said(alpha, permutations)


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
    counts: Counts, found: UnitsOfEntries, permutations: int, rng: np.random.Generator
) -> Iterator[Draw]:
    """Permute whole units: the current window is the sum of those that are chosen for it."""
    units, entries, unit = found
    sizes = _block_sizes(permutations, max(len(counts.values), len(units.rows) // _BYTES))
    of_units = _of_units(entries, unit, (len(counts.values), len(units.rows)))
    pool = counts.reference + counts.current
    for chosen in units.select(sizes, rng):
        product = of_units @ chosen.astype(of_units.dtype)
        current = np.ascontiguousarray(product.T, dtype=np.float64)
        yield pool - current, current


def _of_units(sides: tuple[Entries, Entries], unit: UnitArray, shape: tuple[int, int]) -> Matrix:
    """How often each unit has each value: (values, units)."""
    counts = np.concatenate([side.counts for side in sides])
    values = np.concatenate([side.values for side in sides])
    exact = float(counts.sum()) < _EXACT_FLOAT32
    found: Any = counts.astype(np.float32 if exact else np.float64)
    return sparse.coo_array((found, (values, unit)), shape=shape).tocsr()
