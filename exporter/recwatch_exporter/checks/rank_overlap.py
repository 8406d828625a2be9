"""rank_overlap: whether the most popular items are still the most popular."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from recwatch_exporter.checks.base import Direction, FloatArray, Options
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.statistics.chance import Chance
from recwatch_exporter.statistics.ranks import first_ranks


class OverlapOptions(Options):
    """Keys of rank_overlap."""

    p: Annotated[float, Field(gt=0, lt=1)] = 0.98
    depth: Annotated[int, Field(ge=1, le=10_000)] = 200


def statistic(
    values: NDArray[Any],  # noqa: ARG001 - any ids
    reference: FloatArray,
    current: FloatArray,
    *,
    p: float = 0.98,
    depth: int = 200,
) -> FloatArray:
    """Rank-biased overlap of the items in order of their counts, extrapolated from the head.

    RBO = A_k p^k + (1 - p) / p sum for d = 1..k of A_d p^d (Webber, Moffat and Zobel, A similarity measure
    for indefinite rankings, ACM Transactions on Information Systems 28, 2010, equation 23), where A_d is the
    agreement of the two heads at depth d. Items of the same count take the same rank, the first of theirs, so
    that a head may hold more than d items: A_d = 2 |S_d and T_d| / (|S_d| + |T_d|) (there, section 4.4). So
    the order in which tied items happen to stand changes nothing. Items without a count have no rank.

    Args:
        values: (items,) ids.
        reference: counts (..., items).
        current: counts (..., items).
        p: how far down one looks: the first d items weigh about 1 - p^d (a little more).
        depth: k, how far down the rankings are compared at most.

    Returns:
        0 (no item shared) to 1 (the same ranking), shaped (...); NaN where a side is empty.
    """
    shape, n = reference.shape[:-1], reference.shape[-1]
    rows = int(np.prod(shape))
    before, after = reference.reshape(rows, n), current.reshape(rows, n)
    found = [_overlap(one, other, p, depth) for one, other in zip(before, after, strict=True)]
    return np.asarray(found, dtype=np.float64).reshape(shape)


def _overlap(reference: FloatArray, current: FloatArray, p: float, depth: int) -> float:
    if not reference.any() or not current.any():
        return float("nan")
    depth = min(depth, max(int(np.count_nonzero(side)) for side in (reference, current)))
    far = depth + 1  # the rank of whatever stands below the head
    ranks = [np.where(side > 0, np.minimum(first_ranks(side), far), far) for side in (reference, current)]
    sizes = [np.cumsum(np.bincount(rank, minlength=far + 1)[1:far]) for rank in ranks]
    shared = np.cumsum(np.bincount(np.maximum(*ranks), minlength=far + 1)[1:far])
    agreement = 2 * shared / (sizes[0] + sizes[1])
    weights = p ** np.arange(1, depth + 1)
    return float(agreement[-1] * p**depth + (1 - p) / p * np.dot(agreement, weights))


RANK_OVERLAP = CountType(
    name="rank_overlap",
    statistic="rank-biased overlap of the most popular items of both windows, tied items at one rank",
    effect_size=(
        "the statistic over its mean over the permutations, at most 1: how much of the overlap that chance "
        "leaves is there"
    ),
    bad=Direction.LOW,
    null="the same items are the most popular; users differ from each other as they always do",
    p_value="share of permutations of the clusters with an overlap as low",
    source="Webber, Moffat and Zobel, ACM Transactions on Information Systems 28, 2010, equation 23",
    default_threshold=0.8,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    chance=Chance.DIVIDED,
    of="items",
    options=OverlapOptions,
    undefined="a window holds no value: write values, or choose another column",
)
