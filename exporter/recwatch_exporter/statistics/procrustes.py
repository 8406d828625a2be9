"""Orthogonal Procrustes: the rotation that brings one space closest to another."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.statistics.directions import Directions
from recwatch_exporter.statistics.hashing import ranks


def rotation(products: FloatArray) -> FloatArray:
    """The orthogonal matrix Q that minimises the distance of A Q and B.

    Q = U V' of the singular value decomposition U S V' of A'B (Schönemann, A generalized solution of the
    orthogonal Procrustes problem, Psychometrika 31, 1966). With fewer columns on one side it places the
    smaller space in the larger one, lengths and angles kept (Q'Q or Q Q' is the identity).

    Args:
        products: A'B, (columns of A, columns of B): all that is needed of the rows.

    Returns:
        (columns of A, columns of B).
    """
    left, _, right = np.linalg.svd(products, full_matrices=False)
    return np.asarray(left @ right, dtype=np.float64)


def fold_of(ids: NDArray[np.generic], folds: int, *, seed: int) -> NDArray[np.int64]:
    """The fold of each id: (ids,) in 0..folds - 1, the same at every run."""
    return np.minimum((ranks(ids, seed=seed) * folds).astype(np.int64), folds - 1)


@dataclass
class CrossProducts:
    """A'B by fold, for pairs as they are and for pairs of different ids: what chance gives.

    Attributes:
        rows: (folds,) pairs.
        matched: (folds, columns of A, columns of B).
        unmatched: likewise, each vector beside that of the id before it.
        left_out: pairs without a direction.
    """

    rows: NDArray[np.int64]
    matched: FloatArray
    unmatched: FloatArray
    left_out: int

    def rotations(self) -> tuple[FloatArray, FloatArray]:
        """For each fold the rotation by all others, matched and unmatched, which never saw the fold."""
        matched, unmatched = (
            np.stack([rotation(products.sum(axis=0) - own) for own in products])
            for products in (self.matched, self.unmatched)
        )
        return matched, unmatched


def cross_products(chunks: Iterable[Directions], folds: int, *, seed: int) -> CrossProducts | None:
    """Sum up A'B by fold, a chunk at a time; None without a chunk."""
    found: CrossProducts | None = None
    for chunk in chunks:
        a, b = chunk.reference.astype(np.float64), chunk.current.astype(np.float64)
        if found is None:
            empty = np.zeros((folds, a.shape[1], b.shape[1]))
            found = CrossProducts(np.zeros(folds, dtype=np.int64), empty, empty.copy(), 0)
        found.left_out += chunk.left_out
        fold = fold_of(chunk.ids, folds, seed=seed)
        other = np.roll(b, 1, axis=0)
        for number in range(folds):
            rows = fold == number
            found.rows[number] += np.count_nonzero(rows)
            found.matched[number] += a[rows].T @ b[rows]
            found.unmatched[number] += a[rows].T @ other[rows]
    return found
