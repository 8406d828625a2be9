"""wasserstein: how far the numbers have moved, in standard deviations of the reference."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType, Exact
from recwatch_exporter.statistics.chance import Chance
from recwatch_exporter.statistics.moments import in_standard_deviations, mean_and_std
from recwatch_exporter.statistics.samples import sorted_samples, wasserstein_of_sorted


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:
    """Wasserstein-1 distance over the reference's standard deviation, exact from value counts.

    W = integral of |F_reference(x) - F_current(x)| dx (Vallender, Calculation of the Wasserstein distance
    between probability distributions on the line, 1974), divided by the standard deviation of the reference,
    so that it has no unit. Under a permutation that is the permuted reference's.

    Args:
        values: (values,) numbers in ascending order.
        reference: counts (..., values).
        current: counts (..., values).

    Returns:
        At least 0, shaped (...); NaN where a side is empty, and where the windows differ but the reference's
        standard deviation is 0.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    difference, other = np.cumsum(reference, axis=-1), np.cumsum(current, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference /= difference[..., -1:].copy()
        other /= other[..., -1:].copy()
    difference -= other
    area = np.abs(difference, out=difference)[..., :-1] @ np.diff(values.astype(np.float64))
    _, std = mean_and_std(values, reference)
    return in_standard_deviations(np.where(np.isnan(difference[..., 0]), np.nan, area), std)


def distance(first: ArrayLike, second: ArrayLike, *, threads: int = 1) -> float:
    """Wasserstein-1 distance of two samples of numbers, in their unit.

    Args:
        first: (n,) numbers.
        second: (m,) numbers.
        threads: 2 sorts both samples at once.

    Returns:
        At least 0; NaN where a sample is empty or holds NaN.
    """
    return wasserstein_of_sorted(*sorted_samples(first, second, threads=threads))


def _exact(figures: Exact) -> tuple[float, Mapping[str, float]] | None:
    if figures.distances is None or not figures.reference.std > 0:
        return None
    found = figures.distances()[1]
    return found / figures.reference.std, {"distance": found} if math.isfinite(found) else {}


WASSERSTEIN = CountType(
    name="wasserstein",
    statistic="Wasserstein-1 distance of the two windows over the reference's standard deviation",
    effect_size=(
        "the part of the statistic that chance does not explain: the root of its square less the mean square "
        "over the permutations"
    ),
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a distance at least as large",
    source="Vallender, Theory of Probability and Its Applications 18, 1974",
    default_threshold=0.1,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    compare=statistic,
    chance=Chance.ADDED_SQUARED,
    of="numbers",
    amounts=True,
    exact=_exact,
    undefined=(
        "the reference holds one value only, or a window numbers too large to square, so there is no "
        "standard deviation to measure by: use ks or psi, which need none"
    ),
)
