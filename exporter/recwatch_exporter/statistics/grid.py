"""Cells for numbers that take too many values to count each: cut where the reference's quantiles lie."""

import numpy as np

from recwatch_exporter.checks.base import FloatArray

POINTS = 1000
"""Quantiles of the fine grid: deciles, and all bins whose number divides it, are among them."""


def probabilities() -> FloatArray:
    """At which quantiles of the reference the fine grid has its points: ends and far tails included."""
    inner = np.arange(POINTS + 1) / POINTS
    tail = 2.0 ** -np.arange(11, 24)
    return np.unique(np.concatenate([inner, tail, 1 - tail]))


def edges_at(points: FloatArray) -> FloatArray:
    """Edges of cells, each point a cell of its own.

    The cell of a number is how many edges are at most that number (`np.searchsorted(edges, x, "right")`). An
    edge stands at each point and one just above it, so that a value on which many rows lie is told from its
    neighbours, and distribution functions are known exactly at the points.

    Args:
        points: finite.

    Returns:
        Ascending, each once.
    """
    with np.errstate(over="ignore"):  # above the largest number there is infinity, which is no edge
        edges = np.unique(np.concatenate([points, np.nextafter(points, np.inf)]))
    return np.asarray(edges[np.isfinite(edges)], dtype=np.float64)


def representatives(edges: FloatArray, below: float, above: float) -> FloatArray:
    """One number for each cell: its middle; what was asked for in the two cells that have no end.

    Args:
        edges: (edges,) ascending, at least one.
        below: for the cell below all edges; not finite where nothing lies there.
        above: for the cell above all edges; likewise.

    Returns:
        (edges + 1,) ascending.
    """
    middle = edges[:-1] / 2 + edges[1:] / 2  # halved first: the sum of two large numbers overflows
    low = below if np.isfinite(below) else edges[0]
    high = above if np.isfinite(above) else edges[-1]
    return np.concatenate([[low], middle, [high]])
