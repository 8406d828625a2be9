"""chi2: whether categories are as frequent as before."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import BinOptions, CountType
from recwatch_exporter.statistics.binning import both_in_bins
from recwatch_exporter.statistics.chance import Chance


def terms(reference: FloatArray, current: FloatArray) -> FloatArray:
    """What each category adds to Pearson's statistic.

    Args:
        reference: counts (..., categories).
        current: counts (..., categories).

    Returns:
        (..., categories), at least 0; NaN where a side is empty. A category without rows adds nothing.
    """
    n = reference.sum(axis=-1, keepdims=True)
    m = current.sum(axis=-1, keepdims=True)
    both = reference + current
    # Both windows' (observed - expected)^2 / expected in one: the differences are equal but for their sign.
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = current * (n / (n + m)) - reference * (m / (n + m))
        each = difference**2 * (n + m) ** 2 / (n * m * np.where(both == 0, 1.0, both))
    return np.asarray(each, dtype=np.float64)


def statistic(
    values: NDArray[Any],  # noqa: ARG001 - their order is all that counts
    reference: FloatArray,
    current: FloatArray,
    *,
    bins: int | None = None,
) -> FloatArray:
    """Pearson's chi-squared statistic of the table of windows and categories, without any correction.

    X2 = sum of (observed - expected)^2 / expected (Pearson, Philosophical Magazine 50, 1900; Agresti,
    Categorical Data Analysis, 3rd ed., section 3.2). The p-value comes from permutations, so small expected
    counts do no harm.

    Args:
        values: (values,) in ascending order.
        reference: counts (..., values).
        current: counts (..., values).
        bins: how many bins of equal share in the reference; None takes every value for a category.

    Returns:
        At least 0, shaped (...); NaN where a side is empty.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    return np.asarray(terms(*both_in_bins(reference, current, bins)).sum(axis=-1), dtype=np.float64)


def cramers_v(
    values: NDArray[Any],  # noqa: ARG001 - their order is all that counts
    reference: FloatArray,
    current: FloatArray,
    *,
    bins: int | None = None,
) -> FloatArray:
    """Cramer's V, both windows given the same weight.

    V = sqrt(X2 / n) (Cramer, Mathematical Methods of Statistics, 1946, section 21.9; a table of two rows) of
    the table in which both windows have as many rows: V^2 = sum of (p - q)^2 / (2 (p + q)). As it is usually
    computed V depends on how large the windows are to each other: beside a reference of a million rows no
    change of a thousand rows comes near 0.1. For windows of one size both are the same.

    Args:
        values: (values,) in ascending order.
        reference: counts (..., values).
        current: counts (..., values).
        bins: how many bins of equal share in the reference; None takes every value for a category.

    Returns:
        0..1, shaped (...); NaN where a side is empty.
    """
    if reference.shape[-1] == 0:
        return np.full(reference.shape[:-1], np.nan)
    before, after = both_in_bins(reference, current, bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = before / before.sum(axis=-1, keepdims=True)
        q = after / after.sum(axis=-1, keepdims=True)
    together = np.where(p + q == 0, 1.0, p + q)
    return np.asarray(np.sqrt(((p - q) ** 2 / (2 * together)).sum(axis=-1)), dtype=np.float64)


def _describe(
    values: NDArray[Any],  # noqa: ARG001 - as `compare`
    reference: FloatArray,
    current: FloatArray,
    *,
    bins: int | None = None,
) -> Mapping[str, float]:
    before, after = both_in_bins(reference, current, bins)
    rows = float(before.sum() + after.sum())
    return {
        "cramers_v": float(np.sqrt(terms(before, after).sum() / rows)),
        "degrees_of_freedom": max(0, int(np.count_nonzero(before + after)) - 1),
    }


CHI2 = CountType(
    name="chi2",
    statistic="Pearson's chi-squared statistic of the table of windows and categories",
    effect_size=(
        "Cramer's V, both windows given the same weight, without what chance explains: the root of its "
        "square less the mean square over the permutations"
    ),
    bad=Direction.HIGH,
    null="categories are as frequent in both windows; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a statistic at least as large",
    source="Agresti, Categorical Data Analysis, 3rd ed., section 3.2; Cramer, 1946, section 21.9",
    default_threshold=0.1,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    effect=cramers_v,
    chance=Chance.ADDED_SQUARED,
    contributions=terms,
    describe=_describe,
    options=BinOptions,
    undefined="a window holds no value: write values, or choose another column",
)
