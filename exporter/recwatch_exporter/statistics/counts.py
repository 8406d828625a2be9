"""How often each value occurs in each cluster, on both sides: all that a count type needs of the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import IntArray, SideCounts


@dataclass(frozen=True)
class Entries:
    """Counts of one window by index: cluster `clusters[i]` has value `values[i]` `counts[i]` times."""

    clusters: IntArray
    values: IntArray
    counts: FloatArray


@dataclass(frozen=True)
class Counts:
    """Both windows over the same values and the same clusters.

    Attributes:
        values: (values,) of either side, ascending, each once.
        reference: (values,) how often each occurs in the reference window.
        current: (values,) likewise in the current window.
        n_clusters: how many clusters there are on either side; None where rows are taken as independent.
        by_cluster: reference and current by cluster; None where rows are taken as independent.
    """

    values: NDArray[Any]
    reference: FloatArray
    current: FloatArray
    n_clusters: int | None = None
    by_cluster: tuple[Entries, Entries] | None = None


def align(reference: SideCounts, current: SideCounts) -> Counts:
    """Bring two windows to the same values and the same clusters.

    Args:
        reference: counts of the reference window.
        current: counts of the current window; clusters on both sides or on neither.
    """
    values, value_index = _index(reference.values, current.values)
    totals = tuple(
        np.bincount(index, weights=side.counts, minlength=len(values)).astype(np.float64)
        for index, side in zip(value_index, (reference, current), strict=True)
    )
    if reference.clusters is None or current.clusters is None:
        return Counts(values, totals[0], totals[1])
    clusters, cluster_index = _index(reference.clusters, current.clusters)
    entries = tuple(
        Entries(cluster, value, side.counts.astype(np.float64))
        for cluster, value, side in zip(cluster_index, value_index, (reference, current), strict=True)
    )
    return Counts(values, totals[0], totals[1], len(clusters), (entries[0], entries[1]))


def _index(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], tuple[IntArray, IntArray]]:
    """The distinct entries of both arrays, ascending, and where each array's entries stand among them."""
    if len(first) == 0 or len(second) == 0:
        together = first if len(second) == 0 else second  # an empty side has no type of its own
    else:
        together = np.concatenate([first, second])
    distinct, index = np.unique(together, return_inverse=True)
    return distinct, (index[: len(first)], index[len(first) :])
