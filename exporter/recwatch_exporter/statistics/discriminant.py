"""A linear classifier, trained anew for each of many labellings at the cost of a few matrix products."""

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

_RIDGE_PER_FUNCTION = 20.0
_DIGITS = 9


class Discriminant:
    """Ridge regression of labels on functions of rows, each fold scored by what the others say.

    With two classes, least squares on labels is Fisher's linear discriminant (Hastie, Tibshirani and
    Friedman, The Elements of Statistical Learning, 2nd ed., exercise 4.2). It is linear in the labels, and
    the rows do not change from one permutation to the next: so one decomposition a fold serves every
    labelling.

    The penalty is the best one (Dobriban and Wager, High-dimensional asymptotics of prediction, 2018) where
    all functions together explain about one twentieth of the labels' variance, which an AUC of 0.6 to 0.65
    stands for: at the threshold it matters; far above it any penalty will do.

    Args:
        functions: (rows, functions).
        fold: (rows,) the fold of each row, in 0..folds - 1, each with a row.
    """

    def __init__(self, functions: FloatArray, fold: NDArray[np.int64]) -> None:
        self._functions = functions
        self._folds = [np.flatnonzero(fold == number) for number in range(int(fold.max()) + 1)]
        self._means = list[FloatArray]()
        self._inverses = list[FloatArray]()
        n, width = functions.shape
        total, square = functions.sum(axis=0), functions.T @ functions
        for rows in self._folds:
            held = functions[rows]
            rest = n - len(rows)
            mean = (total - held.sum(axis=0)) / max(1, rest)
            gram = square - held.T @ held - rest * np.outer(mean, mean)
            gram[np.diag_indices(width)] += _RIDGE_PER_FUNCTION * width
            self._means.append(mean)
            self._inverses.append(np.linalg.inv(gram))

    def weights(self, labels: FloatArray) -> list[FloatArray]:
        """For each fold, (functions, labellings) weights from the other folds; labels (labellings, rows)."""
        total = self._functions.T @ labels.T
        weights = []
        for rows, mean, inverse in zip(self._folds, self._means, self._inverses, strict=True):
            own = labels[:, rows].T
            rest = labels.sum(axis=1) - own.sum(axis=0)
            products = total - self._functions[rows].T @ own - np.outer(mean, rest)
            weights.append(inverse @ products)
        return weights

    def scores(self, labels: FloatArray) -> FloatArray:
        """Out-of-fold scores of every labelling: (labellings, rows) to (labellings, rows).

        Rounded relative to their size, so that rows that are equal score equal.
        """
        scores = np.empty(labels.shape)
        for rows, weights in zip(self._folds, self.weights(labels), strict=True):
            own = (self._functions[rows] @ weights).T
            unit = np.abs(own).max(axis=1, keepdims=True, initial=0.0)
            scores[:, rows] = np.round(own / np.where(unit == 0, 1.0, unit), _DIGITS)
        return scores


def folds_of(unit: NDArray[np.integer], folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A fold for each row (n,), all rows of a unit in one, the folds of about the same size.

    Units go into folds at random, the large ones first, each into the fold that has the fewest rows: labels
    have no say in it, so it is the same under every permutation.
    """
    sizes = np.bincount(unit)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold = np.empty(len(sizes), dtype=np.int64)
    if sizes.max() == 1:
        fold[order] = np.arange(len(order)) % folds
        return np.asarray(fold[unit], dtype=np.int64)
    filled = np.zeros(folds)
    for place in order:
        fold[place] = np.argmin(filled)
        filled[fold[place]] += sizes[place]
    return np.asarray(fold[unit], dtype=np.int64)
