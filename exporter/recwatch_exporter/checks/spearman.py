"""spearman: whether the same items are popular."""

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType


def average_ranks(values: FloatArray) -> FloatArray:
    """Rank each row's values from 1, ties sharing their average rank.

    Args:
        values: (..., n).

    Returns:
        Ranks (..., n).
    """
    n = values.shape[-1]
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    starts = np.ones(values.shape, dtype=bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    ends = np.ones(values.shape, dtype=bool)
    ends[..., :-1] = starts[..., 1:]
    position = np.arange(n)
    first = np.maximum.accumulate(np.where(starts, position, 0), axis=-1)
    last = np.minimum.accumulate(np.where(ends, position, n)[..., ::-1], axis=-1)[..., ::-1]
    ranks = np.empty(values.shape, dtype=np.float64)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=-1)
    return ranks


def statistic(reference: FloatArray, current: FloatArray) -> FloatArray:
    """Spearman's rank correlation of item counts: Pearson's correlation of average ranks.

    Items that one side lacks count 0 there (Conover, section 5.4, ties by average ranks).

    Args:
        reference: counts (..., items).
        current: counts (..., items) of the same items.

    Returns:
        Correlation in -1..1, shaped (...). 1 where all items tie on both sides; NaN where they all tie on one
        side only, or a side is empty.
    """
    middle = (reference.shape[-1] + 1) / 2
    x, y = average_ranks(reference) - middle, average_ranks(current) - middle
    xx, yy, xy = (x * x).sum(axis=-1), (y * y).sum(axis=-1), (x * y).sum(axis=-1)
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
)
