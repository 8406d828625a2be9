"""coverage: whether as much of the catalogue is chosen as before."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.statistics.chance import Chance


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:  # noqa: ARG001 - any ids
    """Share of the catalogue, the items of either window, that the current window holds.

    Catalogue coverage (Ge, Delgado-Battenfeld and Jannach, Beyond accuracy: evaluating recommender systems by
    coverage and serendipity, RecSys 2010) of what was chosen. Items of either window are the same under every
    permutation.

    Args:
        values: (items,) ids.
        reference: counts (..., items).
        current: counts (..., items).

    Returns:
        0..1, shaped (...); NaN where a side is empty.
    """
    items = np.count_nonzero(reference + current, axis=-1)
    held = np.count_nonzero(current, axis=-1)
    empty = (reference.sum(axis=-1) == 0) | (current.sum(axis=-1) == 0)
    return np.asarray(np.where(empty, np.nan, held / np.maximum(items, 1)), dtype=np.float64)


def _describe(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> Mapping[str, int]:  # noqa: ARG001 - as `compare`
    return {
        "items": int(np.count_nonzero(reference + current)),
        "items_reference": int(np.count_nonzero(reference)),
        "items_current": int(np.count_nonzero(current)),
    }


COVERAGE = CountType(
    name="coverage",
    statistic="share of the catalogue, the items of either window, that the current window holds",
    effect_size=(
        "the statistic over its mean over the permutations, at most 1: how much of what windows of these "
        "sizes cover by chance is covered"
    ),
    bad=Direction.LOW,
    null="as many different items are chosen as before; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a share as low",
    source="Ge, Delgado-Battenfeld and Jannach, RecSys 2010, section 3.1",
    default_threshold=0.9,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    chance=Chance.DIVIDED,
    of="items",
    describe=_describe,
    undefined="a window holds no value: write values, or choose another column",
)
