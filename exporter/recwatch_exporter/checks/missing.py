"""missing: how many rows have no value."""

import numpy as np

from recwatch_exporter.checks.base import Direction, FloatArray
from recwatch_exporter.checks.fact_type import ShareType

STATES = ("present", "null", "not finite")
"""What a value may be: `Window.count_missing` counts rows by the position in here."""


def increase(states: FloatArray, reference: FloatArray, current: FloatArray) -> FloatArray:
    """By how much the share of rows without a value is higher in the current window.

    Args:
        states: (states,) positions in `STATES`.
        reference: counts (..., states).
        current: counts (..., states).

    Returns:
        The difference of the two shares, in -1..1, shaped (...); NaN where a window is empty.
    """
    without = states > 0
    with np.errstate(invalid="ignore"):
        shares = [side[..., without].sum(axis=-1) / side.sum(axis=-1) for side in (reference, current)]
    return np.asarray(shares[1] - shares[0], dtype=np.float64)


MISSING = ShareType(
    name="missing",
    statistic="share of the rows whose value is null, NaN, Inf or -Inf",
    effect_size="the statistic less the reference's share; without a reference, the statistic",
    bad=Direction.HIGH,
    null="a value is missing as often as in the reference; users differ from each other as they always do",
    p_value=(
        "share of permutations of the clusters with an increase at least as large; none without a reference"
    ),
    source=(
        "difference of two proportions (Agresti, Categorical Data Analysis, 3rd ed., section 3.1); "
        "permuted by clusters, as in Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005"
    ),
    default_threshold=0.05,
    has_p_value=True,
    p_value_needs=("reference",),
    clusters=True,
    undefined="a window has no rows: write some, or take a longer window",
)
