"""The area under the ROC curve, of many labellings and within folds."""

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.statistics.ranks import average_ranks


def auc(labels: FloatArray, scores: FloatArray, fold: NDArray[np.int64] | None = None) -> FloatArray:
    """The chance that a row labelled 1 scores higher than one labelled 0, ties counting one half.

    U / (n1 n0), U being Mann and Whitney's statistic (Hanley and McNeil, Radiology 143, 1982). With folds,
    only pairs of rows of one fold are compared, as scores of different folds come from different models.

    Args:
        labels: (labellings, rows) of 0 and 1.
        scores: (labellings, rows), finite.
        fold: (rows,) the fold of each row; None for one.

    Returns:
        (labellings,) in 0..1; NaN where no fold has both labels.
    """
    above = np.zeros(len(labels))
    pairs = np.zeros(len(labels))
    folds = [slice(None)] if fold is None else [np.flatnonzero(fold == number) for number in np.unique(fold)]
    for rows in folds:
        own, ranks = labels[:, rows], average_ranks(scores[:, rows])
        ones = own.sum(axis=1)
        above += np.einsum("ij,ij->i", own, ranks) - ones * (ones + 1) / 2
        pairs += ones * (own.shape[1] - ones)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(pairs > 0, above / pairs, np.nan), dtype=np.float64)
