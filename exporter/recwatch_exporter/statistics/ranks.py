"""Ranks, ties sharing their average rank."""

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

# Up to so many possible counts an item, counting them is quicker than sorting the items.
_COUNTS_PER_ITEM = 8


def average_ranks(values: FloatArray) -> FloatArray:
    """Rank each row's values from 1, ties sharing their average rank.

    Whole numbers, as counts are, are ranked by counting how often each occurs: linear in the number of
    values, where sorting is not.

    Args:
        values: (..., n), finite.

    Returns:
        Ranks (..., n).
    """
    n = values.shape[-1]
    if n == 0 or not _small_whole_numbers(values):
        return _by_sorting(values)
    whole = values.astype(np.int64).reshape(-1, n)
    ranks = np.empty(whole.shape)
    for row, ranked in zip(whole, ranks, strict=True):
        occurs = np.bincount(row)
        last = np.cumsum(occurs)  # the last rank of each value
        np.take(last - (occurs - 1) / 2, row, out=ranked)
    return ranks.reshape(values.shape)


def first_ranks(values: FloatArray) -> NDArray[np.int64]:
    """Rank each row's values from 1, the highest first, ties sharing the first rank that they take.

    Args:
        values: (..., n), finite.

    Returns:
        Ranks (..., n): one more than how many values are higher.
    """
    n = values.shape[-1]
    if n == 0:
        return np.empty(values.shape, dtype=np.int64)
    if not _small_whole_numbers(values):
        ordered = np.sort(values, axis=-1).reshape(-1, n)
        rows = zip(ordered, values.reshape(-1, n), strict=True)
        higher = [n - np.searchsorted(row, own, side="right") for row, own in rows]
        return np.asarray(higher, dtype=np.int64).reshape(values.shape) + 1
    whole = values.astype(np.int64).reshape(-1, n)
    ranks = np.empty(whole.shape, dtype=np.int64)
    for row, ranked in zip(whole, ranks, strict=True):
        np.take(n - np.cumsum(np.bincount(row)) + 1, row, out=ranked)
    return ranks.reshape(values.shape)


def _small_whole_numbers(values: FloatArray) -> bool:
    least, most = float(values.min()), float(values.max())
    return (
        least >= 0 and most <= _COUNTS_PER_ITEM * values.shape[-1] and bool((values == np.rint(values)).all())
    )


def _by_sorting(values: FloatArray) -> FloatArray:
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
