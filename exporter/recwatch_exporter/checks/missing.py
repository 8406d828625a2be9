"""missing: how many rows have no value."""

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.fact_type import ShareType

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
)
