"""spearman: whether the same items are popular."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.statistics.ranks import average_ranks


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:  # noqa: ARG001 - any ids
    """Spearman's rank correlation of item counts: Pearson's correlation of average ranks.

    Items that one side lacks count 0 there (Conover, section 5.4, ties by average ranks).

    Args:
        values: (items,) ids.
        reference: counts (..., items).
        current: counts (..., items).

    Returns:
        Correlation in -1..1, shaped (...). 1 where all items tie on both sides; NaN where they all tie on one
        side only, or a side is empty.
    """
    middle = (reference.shape[-1] + 1) / 2
    x, y = average_ranks(reference) - middle, average_ranks(current) - middle
    xx, yy, xy = (np.einsum("...i,...i->...", one, other) for one, other in ((x, x), (y, y), (x, y)))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.where((xx == 0) & (yy == 0), 1.0, xy / np.sqrt(xx * yy))
    empty = (reference.sum(axis=-1) == 0) | (current.sum(axis=-1) == 0)
    return np.asarray(np.where(empty, np.nan, np.clip(correlation, -1.0, 1.0)), dtype=np.float64)


SPEARMAN = CountType(
    name="spearman",
    statistic="rank correlation of item counts over the items of either window; an item not there counts 0",
    effect_size="the statistic",
    bad=Direction.LOW,
    null="the items are as popular as before; users differ from each other as they always do",
    p_value=(
        "share of permutations of the clusters with a correlation as low (the textbook p-value asks whether "
        "there is any correlation at all, which is another question)"
    ),
    source="Conover, Practical Nonparametric Statistics, 3rd ed., section 5.4",
    default_threshold=0.8,
    lowest_threshold=-1.0,
    highest_threshold=1.0,
    compare=statistic,
    of="items",
    undefined=(
        "every item is chosen equally often in one window, so there is no ranking to compare: choose another "
        "column, or unseen or coverage"
    ),
)
