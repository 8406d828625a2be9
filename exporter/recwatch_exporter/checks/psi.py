"""psi: the population stability index, one bin a value."""

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType


def statistic(reference: FloatArray, current: FloatArray) -> FloatArray:
    """Population stability index over the reference's values and one bin for values that it never saw.

    PSI = sum over bins of (q - p) ln(q / p) (Siddiqi, Credit Risk Scorecards, 2006, chapter 8), where p and
    q are the shares of a bin in the reference and in the current window. Half a row is added to every bin of
    both sides, so that an empty bin gives a finite figure (the Jeffreys prior of a share):
    p = (n_bin + 1/2) / (n + bins / 2).

    The bins come from the reference alone, each time anew: under a permutation from the permuted reference,
    so that the statistic is the same function of the data there, which is what makes the p-value valid.

    On windows of few users the index is far above 0 even where nothing has changed, as any estimated
    divergence is (Yurdakul and Naranjo, Statistical properties of the population stability index, Journal of
    Risk Model Validation 14, 2020). So the check's effect size is what is left of it after its mean over the
    permutations is taken away; a threshold then means the same on large windows and on small ones.

    Args:
        reference: counts (..., values).
        current: counts (..., values) of the same values.

    Returns:
        PSI, at least 0, shaped (...); NaN where a side is empty.
    """
    seen = reference > 0
    smoothing = 0.5
    added = smoothing * (seen.sum(axis=-1, keepdims=True) + 1)
    size_reference = reference.sum(axis=-1, keepdims=True)
    size_current = current.sum(axis=-1, keepdims=True)
    share_reference = (reference + smoothing) / (size_reference + added)
    share_current = (current + smoothing) / (size_current + added)
    of_seen = np.where(seen, _term(share_reference, share_current), 0.0).sum(axis=-1)
    unseen = np.where(seen, 0.0, current).sum(axis=-1, keepdims=True)
    of_unseen = _term(
        smoothing / (size_reference + added), (unseen + smoothing) / (size_current + added)
    ).sum(axis=-1)
    empty = (size_reference == 0) | (size_current == 0)
    return np.asarray(np.where(empty[..., 0], np.nan, of_seen + of_unseen), dtype=np.float64)


def _term(p: FloatArray, q: FloatArray) -> FloatArray:
    return np.asarray((q - p) * np.log(q / p), dtype=np.float64)


PSI = CountType(
    name="psi",
    statistic=(
        "population stability index over the reference's values and one bin for values never seen, "
        "half a row added to each bin"
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
    beyond_chance=True,
)
