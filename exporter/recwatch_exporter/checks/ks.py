"""ks: the greatest distance between two distribution functions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType, Exact
from recwatch_exporter.statistics.samples import ks_of_sorted, sorted_samples


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:  # noqa: ARG001 - their order is all that counts
    """Two-sample Kolmogorov-Smirnov statistic, exact from value counts, ties included.

    D = max over x of |F_reference(x) - F_current(x)|, both empirical distribution functions
    (Conover, Practical Nonparametric Statistics, 3rd ed., section 6.3).

    Args:
        values: (values,) in ascending order.
        reference: counts (..., values).
        current: counts (..., values).

    Returns:
        D in 0..1, shaped (...); NaN where a side is empty.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    distance, other = np.cumsum(reference, axis=-1), np.cumsum(current, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance /= distance[..., -1:].copy()
        other /= other[..., -1:].copy()
    distance -= other
    return np.asarray(np.abs(distance, out=distance).max(axis=-1), dtype=np.float64)


def distance(first: ArrayLike, second: ArrayLike, *, threads: int = 1) -> float:
    """The same statistic of two samples of numbers as they are, ties included.

    Args:
        first: (n,) numbers.
        second: (m,) numbers.
        threads: 2 sorts both samples at once.

    Returns:
        D in 0..1; NaN where a sample is empty or holds NaN.
    """
    return ks_of_sorted(*sorted_samples(first, second, threads=threads))


def _exact(figures: Exact) -> tuple[float, Mapping[str, float]] | None:
    return None if figures.distances is None else (figures.distances()[0], {})


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
    of="numbers",
    exact=_exact,
    undefined="a window holds no value: write values, or choose another column",
)
