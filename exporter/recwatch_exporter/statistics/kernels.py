"""The Gaussian kernel and its bandwidth."""

import numpy as np

from recwatch_exporter.checks.base import FloatArray


def squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """Squared Euclidean distances: (n, d) and (m, d) to (n, m), at least 0.

    By |x|² + |y|² - 2 x'y, which is one matrix product; rows should lie about the origin, or digits are lost.
    """
    distances = first @ second.T
    distances *= -2.0
    distances += np.einsum("ij,ij->i", first, first)[:, None]
    distances += np.einsum("ij,ij->i", second, second)[None, :]
    np.maximum(distances, 0.0, out=distances)
    return distances


def rbf(first: FloatArray, second: FloatArray, bandwidth: float) -> FloatArray:
    """k(x, y) = exp(-|x - y|² / (2 bandwidth²)): (n, d) and (m, d) to (n, m)."""
    kernel = squared_distances(first, second)
    kernel *= -0.5 / bandwidth**2
    return np.asarray(np.exp(kernel, out=kernel), dtype=np.float64)


def median_distance(rows: FloatArray) -> float:
    """The median heuristic: the median distance of two rows that are not the same.

    (Gretton et al., A kernel two-sample test, JMLR 13, 2012, section 8; Garreau, Jitkrittum and Kanagawa,
    Large sample analysis of the median heuristic, 2017.) Pairs of equal rows are left out, or discrete data,
    where they are most of all pairs, would give a bandwidth of 0.

    Args:
        rows: (n, d), some thousands at most: all pairs are looked at.

    Returns:
        NaN where all rows are the same, or there is but one.
    """
    if len(rows) <= 1:
        return float("nan")
    distances = squared_distances(rows, rows)[np.triu_indices(len(rows), 1)]
    # What rounding leaves of the distance of two equal rows.
    smallest = 1e-13 * float(np.einsum("ij,ij->i", rows, rows).max())
    distances = distances[distances > smallest]
    return float(np.median(np.sqrt(distances))) if len(distances) else float("nan")
