"""Mean and standard deviation from value counts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray


def mean_and_std(values: NDArray[Any], counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean, and standard deviation of the whole (divided by n), in two passes.

    Args:
        values: (values,) numbers.
        counts: (..., values).

    Returns:
        Both shaped (...); NaN without rows.
    """
    numbers = values.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total = counts.sum(axis=-1, keepdims=True)
        shares = counts / total
        mean = np.where(total[..., 0] == 0, np.nan, shares @ numbers)
        away = numbers - mean[..., np.newaxis]
        variance = np.einsum("...i,...i,...i->...", shares, away, away)
        std = np.sqrt(np.where(np.isnan(mean), np.nan, variance))
    return np.asarray(mean, dtype=np.float64), np.asarray(std, dtype=np.float64)


def in_standard_deviations(length: FloatArray, std: FloatArray) -> FloatArray:
    """A length in standard deviations: 0 where it is 0, NaN where it is not and the deviation is 0."""
    length, std = np.asarray(length, dtype=np.float64), np.asarray(std, dtype=np.float64)
    defined = std > 0
    found = np.divide(length, std, out=np.full(np.broadcast(length, std).shape, np.nan), where=defined)
    return np.asarray(np.where(~defined & (length == 0), 0.0, found), dtype=np.float64)
