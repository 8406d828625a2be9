"""jensen_shannon: how well a value tells from which window it comes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import BinOptions, CountType
from recwatch_exporter.statistics.binning import both_in_bins
from recwatch_exporter.statistics.chance import Chance


def terms(reference: FloatArray, current: FloatArray) -> FloatArray:
    """What each bin adds to the divergence, in bits.

    Args:
        reference: counts (..., bins).
        current: counts (..., bins).

    Returns:
        (..., bins), at least 0 but for rounding; NaN where a side is empty.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        p = reference / reference.sum(axis=-1, keepdims=True)
        q = current / current.sum(axis=-1, keepdims=True)
    middle = (p + q) / 2
    return np.asarray((rel_entr(p, middle) + rel_entr(q, middle)) / (2 * np.log(2)), dtype=np.float64)


def statistic(
    values: NDArray[Any],  # noqa: ARG001 - their order is all that counts
    reference: FloatArray,
    current: FloatArray,
    *,
    bins: int | None = None,
) -> FloatArray:
    """Jensen-Shannon distance in base 2: the root of the divergence, which is a metric.

    JSD = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2 (Lin, Divergence measures based on the
    Shannon entropy, IEEE Transactions on Information Theory 37, 1991), and its root (Endres and Schindelin, A
    new metric for probability distributions, IEEE Transactions on Information Theory 49, 2003). Empty bins
    need no smoothing. Bins of numbers are cut anew for every permuted reference, as `psi` does.

    Args:
        values: (values,) in ascending order.
        reference: counts (..., values).
        current: counts (..., values).
        bins: how many bins of equal share in the reference; None takes every value for a bin.

    Returns:
        0..1, shaped (...); NaN where a side is empty.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    divergence = terms(*both_in_bins(reference, current, bins)).sum(axis=-1)
    return np.asarray(np.sqrt(np.clip(divergence, 0.0, 1.0)), dtype=np.float64)


JENSEN_SHANNON = CountType(
    name="jensen_shannon",
    statistic="Jensen-Shannon distance (base 2) over values, or over bins of equal share in the reference",
    effect_size=(
        "the part of the statistic that chance does not explain: the root of its square, the divergence, "
        "less the mean divergence over the permutations"
    ),
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value=(
        "share of permutations of the clusters with a distance at least as large, "
        "each with the bins of its own reference"
    ),
    source="Lin, IEEE Transactions on Information Theory 37, 1991; Endres and Schindelin, ibid. 49, 2003",
    default_threshold=0.1,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    chance=Chance.ADDED_SQUARED,
    contributions=terms,
    options=BinOptions,
    undefined="a window holds no value: write values, or choose another column",
)
