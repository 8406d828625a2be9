"""Random Fourier features: a Gaussian kernel as a scalar product, in time and memory linear in the rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recwatch_exporter.checks.base import FloatArray

_ROWS_AT_ONCE = 4096


class FourierMap:
    """z(x) = (cos w_1'x, ..., cos w_D'x, sin w_1'x, ..., sin w_D'x) / sqrt(D).

    z(x)'z(y) is a mean over D frequencies w ~ N(0, 1 / bandwidth²) whose expectation is
    exp(-|x - y|² / (2 bandwidth²)); z(x)'z(x) is 1 (Rahimi and Recht, Random features for large-scale kernel
    machines, NIPS 2007; this form: Sutherland and Schneider, On the error of random Fourier features, UAI
    2015).

    Frequencies are drawn at right angles, as many at a time as there are dimensions, their lengths as they
    would be: each by itself has the same distribution, and together they err half as much (Yu et al.,
    Orthogonal random features, NIPS 2016).

    Args:
        dimensions: of a row.
        frequencies: D; the error of a kernel value falls as 1 / sqrt(D).
        bandwidth: of the kernel.
        seed: of the frequencies.
    """

    def __init__(self, dimensions: int, frequencies: int, bandwidth: float, *, seed: int) -> None:
        # The legacy generator's numbers never change with numpy's version (NEP 19): a profile holds the seed.
        draw = np.random.RandomState(seed % 2**32)
        width = min(dimensions, frequencies)
        blocks = [_orthogonal(draw, dimensions, width) for _ in range(-(-frequencies // max(1, width)))]
        directions = np.concatenate(blocks, axis=1)[:, :frequencies] / bandwidth
        self._directions = np.ascontiguousarray(directions, dtype=np.float32)
        self.features = 2 * frequencies

    def apply(self, rows: FloatArray) -> NDArray[np.float32]:
        """(n, dimensions) to (n, 2 D)."""
        angles = rows.astype(np.float32) @ self._directions
        features = np.empty((len(rows), self.features), dtype=np.float32)
        half = self.features // 2
        np.cos(angles, out=features[:, :half])
        np.sin(angles, out=features[:, half:])
        features *= np.float32(half**-0.5)
        return features

    def add_sums(self, sums: FloatArray, unit: NDArray[np.integer[Any]], rows: FloatArray) -> None:
        """Add the features of rows (n, dimensions) to the sums (units, 2 D) of their units (n,)."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            touched, index = np.unique(unit[part], return_inverse=True)
            ones = np.ones(len(index), dtype=np.float32)
            shape = (len(touched), len(index))
            chosen = sparse.csr_array((ones, (index, np.arange(len(index)))), shape=shape)
            sums[touched] += chosen @ self.apply(rows[part])


def _orthogonal(draw: np.random.RandomState, dimensions: int, width: int) -> FloatArray:
    """(dimensions, width) orthogonal columns, each distributed as a vector of standard normal numbers."""
    turned, triangle = np.linalg.qr(draw.standard_normal((dimensions, width)))
    # With this choice of signs the decomposition is unique, whoever computes it, and the directions uniform.
    turned *= np.sign(np.diagonal(triangle))
    lengths = np.sqrt(np.square(draw.standard_normal((dimensions, width))).sum(axis=0))
    return np.asarray(turned * lengths, dtype=np.float64)
