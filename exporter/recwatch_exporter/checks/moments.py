"""moments: how far mean and spread have moved, in standard deviations of the reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.count_type import CountType, Exact
from recwatch_exporter.statistics.chance import Chance
from recwatch_exporter.statistics.moments import in_standard_deviations, mean_and_std


def shifts(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How far mean and standard deviation have moved, in standard deviations of the reference.

    (m_current - m_reference) / s_reference, which is Glass's delta (Hedges and Olkin, Statistical Methods for
    Meta-Analysis, 1985, chapter 5), and (s_current - s_reference) / s_reference.

    Args:
        values: (values,) numbers.
        reference: counts (..., values).
        current: counts (..., values).

    Returns:
        Both shaped (...), with their sign; NaN where a side is empty, and where there is a shift but the
        reference's standard deviation is 0.
    """
    before, std_before = mean_and_std(values, reference)
    after, std_after = mean_and_std(values, current)
    with np.errstate(invalid="ignore", over="ignore"):  # then it is no finite number, which is told
        return (
            in_standard_deviations(after - before, std_before),
            in_standard_deviations(std_after - std_before, std_before),
        )


def statistic(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> FloatArray:
    """The larger of the two shifts, without its sign.

    Args:
        values: (values,) numbers.
        reference: counts (..., values).
        current: counts (..., values).

    Returns:
        At least 0, shaped (...); NaN where `shifts` is.
    """
    mean, std = shifts(values, reference, current)
    return np.asarray(np.maximum(np.abs(mean), np.abs(std)), dtype=np.float64)


def _describe(values: NDArray[Any], reference: FloatArray, current: FloatArray) -> Mapping[str, float]:
    mean, std = shifts(values, reference, current)
    return {"mean_shift": float(mean), "std_shift": float(std)}


def _exact(figures: Exact) -> tuple[float, Mapping[str, float]] | None:
    before, after = figures.reference, figures.current
    if not before.std > 0:
        return None
    mean, std = (after.mean - before.mean) / before.std, (after.std - before.std) / before.std
    return max(abs(mean), abs(std)), {"mean_shift": mean, "std_shift": std}


MOMENTS = CountType(
    name="moments",
    statistic=(
        "the larger, without its sign, of the shifts of the mean and of the standard deviation, both in "
        "standard deviations of the reference"
    ),
    effect_size=(
        "the part of the statistic that chance does not explain: the root of its square less the mean square "
        "over the permutations"
    ),
    bad=Direction.HIGH,
    null="both windows come from one distribution; users differ from each other as they always do",
    p_value="share of permutations of the clusters with a shift at least as large",
    source="Glass's delta: Hedges and Olkin, Statistical Methods for Meta-Analysis, 1985, chapter 5",
    default_threshold=0.2,
    lowest_threshold=0.0,
    highest_threshold=float("inf"),
    compare=statistic,
    chance=Chance.ADDED_SQUARED,
    of="numbers",
    amounts=True,
    exact=_exact,
    describe=_describe,
    undefined=(
        "the reference holds one value only, or a window numbers too large to square, so there is no "
        "standard deviation to measure by: use ks or psi, which need none"
    ),
)
