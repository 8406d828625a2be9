"""ks: the greatest distance between two distribution functions."""

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType


def statistic(reference: FloatArray, current: FloatArray) -> FloatArray:
    """Two-sample Kolmogorov-Smirnov statistic, exact from value counts, ties included.

    D = max over x of |F_reference(x) - F_current(x)|, both empirical distribution functions
    (Conover, Practical Nonparametric Statistics, 3rd ed., section 6.3).

    Args:
        reference: counts (..., values), the values in ascending order.
        current: counts (..., values) of the same values.

    Returns:
        D in 0..1, shaped (...); NaN where a side is empty.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.cumsum(reference, axis=-1) / reference.sum(axis=-1, keepdims=True)
        distance -= np.cumsum(current, axis=-1) / current.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(distance).max(axis=-1), dtype=np.float64)


KS = CountType(
    name="ks",
    statistic="greatest distance between the two empirical distribution functions, exact from value counts",
    effect_size="the statistic",
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a distance at least as large",
    source="Conover, Practical Nonparametric Statistics, 3rd ed., section 6.3",
    default_threshold=0.1,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    numeric=True,
)
