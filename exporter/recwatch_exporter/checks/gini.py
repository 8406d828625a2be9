"""gini: whether choices gather on fewer items."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.statistics.chance import Chance
from recwatch_exporter.statistics.ranks import average_ranks


def coefficient(counts: FloatArray) -> FloatArray:
    """Gini coefficient of how often items are chosen.

    G = sum over items of (2 r - n - 1) x / (n sum of x), r the rank of count x from 1 for the lowest
    (Gini, 1912; for recommenders: Fleder and Hosanagar, Management Science 55, 2009).

    Args:
        counts: (..., items); items that are never chosen count.

    Returns:
        0 where all items are chosen equally often, near 1 where one takes all; (...); NaN without rows.
    """
    n, total = counts.shape[-1], counts.sum(axis=-1)
    weighted = np.einsum("...i,...i->...", 2 * average_ranks(counts) - n - 1, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weighted / (n * total), dtype=np.float64)


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:  # noqa: ARG001 - any ids
    """The current window's Gini coefficient less the reference's, over the items of either window.

    Args:
        values: (items,) ids.
        reference: counts (..., items).
        current: counts (..., items).

    Returns:
        -1..1, shaped (...); NaN where a side is empty.
    """
    return np.asarray(coefficient(current) - coefficient(reference), dtype=np.float64)


def _describe(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> Mapping[str, float]:  # noqa: ARG001 - as `compare`
    return {
        "gini_reference": float(coefficient(reference)),
        "gini_current": float(coefficient(current)),
    }


GINI = CountType(
    name="gini",
    statistic="Gini coefficient of item counts in the current window less that in the reference",
    effect_size=(
        "the part of the statistic that chance does not explain: the statistic less its mean over the "
        "permutations, at least 0"
    ),
    bad=Direction.HIGH,
    null="choices gather on few items as much as before; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a difference at least as large",
    source="Gini, 1912; Fleder and Hosanagar, Management Science 55, 2009",
    default_threshold=0.05,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    chance=Chance.ADDED,
    of="items",
    describe=_describe,
    undefined="a window holds no value: write values, or choose another column",
)
