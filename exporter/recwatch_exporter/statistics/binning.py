"""Bins of about equal share in the reference: what divergences of numbers are computed over."""

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray


def quantile_bins(reference: FloatArray, bins: int) -> NDArray[np.int64]:
    """The bin of each value, cut at quantiles of the reference alone.

    With q_j the smallest value at which the reference's distribution function reaches j / bins, value x
    falls into the bin after all q_j < x. So bins are open below and closed above, and a value that takes
    more than one bin's share has a bin of its own or shares it with lower ones.

    Under a permutation the bins are those of the permuted reference: the statistic over them is the same
    function of the data there, which is what makes the p-value valid.

    Args:
        reference: counts (..., values), the values in ascending order.
        bins: how many, at least 1.

    Returns:
        (..., values) in 0..bins - 1, not descending.
    """
    before = np.cumsum(reference, axis=-1)
    total = before[..., -1:].copy()
    before -= reference
    # Counts are whole: products below 2**53 are exact, so no value is put off its bin by rounding.
    found = np.floor_divide(before * bins, np.where(total == 0, 1.0, total))
    return np.asarray(np.minimum(found, bins - 1), dtype=np.int64)


def in_bins(counts: FloatArray, bin_of: NDArray[np.int64], bins: int) -> FloatArray:
    """Counts of values as counts of bins.

    Args:
        counts: (..., values).
        bin_of: (..., values) in 0..bins - 1.
        bins: how many.

    Returns:
        (..., bins).
    """
    rows = int(np.prod(counts.shape[:-1]))
    cells = bin_of.reshape(rows, -1) + bins * np.arange(rows)[:, np.newaxis]
    summed = np.bincount(cells.ravel(), weights=counts.ravel(), minlength=rows * bins)
    return np.asarray(summed.reshape(*counts.shape[:-1], bins), dtype=np.float64)


def both_in_bins(
    reference: FloatArray, current: FloatArray, bins: int | None
) -> tuple[FloatArray, FloatArray]:
    """Both windows over quantile bins of the reference; as they are without `bins`."""
    if bins is None or reference.shape[-1] == 0:
        return reference, current
    bin_of = quantile_bins(reference, bins)
    return in_bins(reference, bin_of, bins), in_bins(current, bin_of, bins)
