"""psi: the population stability index."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import BinOptions, CountType
from recwatch_exporter.statistics.binning import both_in_bins
from recwatch_exporter.statistics.chance import Chance

_ADDED = 0.5  # rows to every bin of both sides: the Jeffreys prior of a share


def terms(reference: FloatArray, current: FloatArray) -> FloatArray:
    """What each bin adds to the index; the last one is all values that the reference never saw.

    Args:
        reference: counts (..., bins).
        current: counts (..., bins).

    Returns:
        (..., bins + 1), at least 0; NaN where a side is empty. A bin that the reference never saw adds
        nothing by itself.
    """
    seen = reference > 0
    added = _ADDED * (seen.sum(axis=-1, keepdims=True) + 1)
    size_reference = reference.sum(axis=-1, keepdims=True)
    size_current = current.sum(axis=-1, keepdims=True)
    of_seen = _term(
        (reference + _ADDED) / (size_reference + added), (current + _ADDED) / (size_current + added)
    )
    unseen = np.where(seen, 0.0, current).sum(axis=-1, keepdims=True)
    of_unseen = _term(_ADDED / (size_reference + added), (unseen + _ADDED) / (size_current + added))
    empty = (size_reference == 0) | (size_current == 0)
    found = np.concatenate([np.where(seen, of_seen, 0.0), of_unseen], axis=-1)
    return np.asarray(np.where(empty, np.nan, found), dtype=np.float64)


def statistic(
    values: NDArray[Any],  # noqa: ARG001 - their order is all that counts
    reference: FloatArray,
    current: FloatArray,
    *,
    bins: int | None = None,
) -> FloatArray:
    """Population stability index over the reference's bins and one more for values that it never saw.

    PSI = sum over bins of (q - p) ln(q / p) (Siddiqi, Credit Risk Scorecards, 2006, chapter 8), where p and
    q are the shares of a bin in the reference and in the current window. Half a row is added to every bin of
    both sides, so that an empty bin gives a finite figure (the Jeffreys prior of a share):
    p = (n_bin + 1/2) / (n + bins / 2).

    The bins come from the reference alone, each time anew: under a permutation from the permuted reference,
    so that the statistic is the same function of the data there, which is what makes the p-value valid.

    Args:
        values: (values,) in ascending order.
        reference: counts (..., values).
        current: counts (..., values).
        bins: how many bins of equal share in the reference; None takes every value for a bin.

    Returns:
        PSI, at least 0, shaped (...); NaN where a side is empty.
    """
    return np.asarray(terms(*both_in_bins(reference, current, bins)).sum(axis=-1), dtype=np.float64)


def contributions(reference: FloatArray, current: FloatArray) -> FloatArray:
    """`terms` with the last one shared out among the values that the reference never saw.

    Args:
        reference: counts (bins,).
        current: counts (bins,).

    Returns:
        (bins,), summing to the statistic of these bins.
    """
    found = terms(reference, current)
    unseen = np.where(reference > 0, 0.0, current)
    total = float(unseen.sum())
    if total == 0:
        return found[:-1]
    return np.asarray(found[:-1] + found[-1] * unseen / total, dtype=np.float64)


def _term(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray((q - p) * np.log(q / p), dtype=np.float64)


PSI = CountType(
    name="psi",
    statistic=(
        "population stability index over the reference's values, or bins of equal share, and one bin for "
        "values never seen, half a row added to each bin"
    ),
    effect_size=(
        "the part of the statistic that chance does not explain: the statistic less its mean over the "
        "permutations, at least 0"
    ),
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value=(
        "share of permutations of the clusters with an index at least as large, "
        "each with the bins of its own reference"
    ),
    source="Siddiqi, Credit Risk Scorecards, 2006, chapter 8; smoothing by the Jeffreys prior",
    default_threshold=0.2,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    compare=statistic,
    chance=Chance.ADDED,
    contributions=contributions,
    options=BinOptions,
    undefined="a window holds no value: write values, or choose another column",
)
