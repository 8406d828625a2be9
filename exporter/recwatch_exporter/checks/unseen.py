"""unseen: how much of the current window the reference never saw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.statistics.chance import Chance
from recwatch_exporter.statistics.labels import label

_MOST_NAMED = 10


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:  # noqa: ARG001 - any values
    """Share of the current window's rows whose value the reference does not hold.

    Args:
        values: (values,).
        reference: counts (..., values).
        current: counts (..., values).

    Returns:
        0..1, shaped (...); NaN where a side is empty.
    """
    rows = current.sum(axis=-1)
    unseen = np.where(reference > 0, 0.0, current).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = unseen / rows
    return np.asarray(np.where(reference.sum(axis=-1) == 0, np.nan, share), dtype=np.float64)


def _describe(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> Mapping[str, Any]:
    new = np.flatnonzero((reference == 0) & (current > 0))
    most = new[np.argsort(-current[new], kind="stable")[:_MOST_NAMED]]
    return {
        "unseen_values": len(new),
        "unseen_rows": int(current[new].sum()),
        "unseen": [{"value": label(values[place]), "rows": int(current[place])} for place in most],
    }


UNSEEN = CountType(
    name="unseen",
    statistic="share of the current window's rows whose value the reference never saw",
    effect_size=(
        "the part of the statistic that chance does not explain: the statistic less its mean over the "
        "permutations, at least 0"
    ),
    bad=Direction.HIGH,
    null="values that come once in a while come in both windows; users differ as they always do",
    p_value="share of permutations of the clusters with a share at least as large",
    source="the complement of sample coverage: Good, Biometrika 40, 1953",
    default_threshold=0.05,
    lowest_threshold=0.0,
    highest_threshold=1.0,
    compare=statistic,
    chance=Chance.ADDED,
    describe=_describe,
    undefined="a window holds no value: write values, or choose another column",
)
