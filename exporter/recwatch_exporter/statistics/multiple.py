"""Many tests at once: Benjamini and Hochberg's false discovery rate."""

from collections.abc import Sequence

import numpy as np


def adjust(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that those at or below alpha hold at most a share of alpha false ones, on average.

    Adjusted p of rank i of m = the least of p_(j) m / j over all j >= i, at most 1 (Benjamini and Hochberg,
    Controlling the false discovery rate, JRSS B 57, 1995; the step-up procedure).

    Args:
        p_values: of independent or positively dependent tests.

    Returns:
        The adjusted p-values, in the same order.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return [float(value) for value in adjusted]
