"""How far each column by itself has moved: what a test of all columns together leaves open."""

from typing import Any

import numpy as np

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.statistics.labels import range_labels
from recwatch_exporter.statistics.samples import ks_of_sorted, sorted_samples

_SHOWN = 10
_BINS = 10


def distances(reference: FloatArray, current: FloatArray) -> FloatArray:
    """The Kolmogorov-Smirnov distance of each column: (n, columns), (m, columns) to (columns,), in 0..1."""
    columns = zip(reference.T, current.T, strict=True)
    return np.asarray([ks_of_sorted(*sorted_samples(*pair)) for pair in columns], dtype=np.float64)


def most(names: tuple[str, ...], importance: FloatArray) -> list[dict[str, Any]]:
    """The ten most important features, as details hold them."""
    order = np.argsort(-importance, kind="stable")[:_SHOWN]
    return [{"feature": names[place], "importance": float(importance[place])} for place in order]


def picture(reference: FloatArray, current: FloatArray) -> dict[str, Any]:
    """Both sides of one column, in bins of equal share of the reference: (n,), (m,)."""
    inner = np.unique(np.quantile(reference, np.arange(1, _BINS) / _BINS, method="inverted_cdf"))
    shares = [
        np.bincount(np.searchsorted(inner, side, side="left"), minlength=len(inner) + 1) / len(side)
        for side in (reference, current)
    ]
    return {
        "labels": range_labels(inner.tolist()),
        "reference": shares[0].tolist(),
        "current": shares[1].tolist(),
    }
