"""Arms of A/B tests: which is better, and can the comparison be trusted?"""

from recwatch_dashboards.grid import Section
from recwatch_dashboards.looks import BLUE, ORANGE, PINK, Line
from recwatch_dashboards.panels import lines
from recwatch_dashboards.queries import Query, threshold
from recwatch_dashboards.tables import Column, listing

ARM = '{model=~"$model", variant=~"$variant"}'
_GROUP = "model, variant, metric"
_RECORDED = "service_model_variant_metric"
_ALONE = "no A/B test runs"
_CHOSEN = '{model=~"$model"}'


def arms() -> Section:
    """Each arm beside the control arm."""
    difference = lines(
        "Difference from the control arm",
        "Each arm's metric less the control's, with its confidence sequence: while that holds 0 nothing is"
        " decided,"
        " however often one looks. ExperimentArmHarmful fires where all of it is on the bad side.",
        "none",
        [
            Query(
                f"{_RECORDED}:model_variant_difference:max_every4m{ARM}",
                "{{service}} {{model}} {{variant}} {{metric}}",
                colour=BLUE,
            ),
            Query(
                f"{_RECORDED}:model_variant_difference_low:max_every4m{ARM}",
                "{{service}} {{model}} {{variant}} {{metric}} low",
                Line.DASHED,
                ORANGE,
            ),
            Query(
                f"{_RECORDED}:model_variant_difference_high:max_every4m{ARM}",
                "{{service}} {{model}} {{variant}} {{metric}} high",
                Line.DOTTED,
                PINK,
            ),
        ],
        empty=_ALONE,
        lowest=None,
    )
    p_values = lines(
        "p-value of the difference",
        "Always valid: it may be read at any time. Small means that the arms differ.",
        "none",
        [
            Query(
                f"{_RECORDED}:model_variant_p_value:min_every4m{ARM}",
                "{{service}} {{model}} {{variant}} {{metric}}",
            )
        ],
        empty=_ALONE,
    )
    shares = lines(
        "p-value of the arms' shares",
        "Always valid. Small means that the arms do not get the traffic asked for, so their comparison"
        " cannot be"
        " trusted. SampleRatioMismatch fires below the line.",
        "none",
        [
            Query(f"service_model:model_sample_ratio_p_value:min_every4m{_CHOSEN}", "{{service}} {{model}}"),
            threshold("SampleRatioMismatch"),
        ],
        empty=_ALONE,
    )
    table = listing(
        "Arms",
        "Each arm since its test began.",
        [
            Column("Model", "model"),
            Column("Variant", "variant"),
            Column("Metric", "metric"),
            Column("Value", expr=f"max by ({_GROUP}) (model_variant_quality{ARM})", unit="none"),
            Column("Difference", expr=f"max by ({_GROUP}) (model_variant_difference{ARM})", unit="none"),
            Column("Low", expr=f"max by ({_GROUP}) (model_variant_difference_low{ARM})", unit="none"),
            Column("High", expr=f"max by ({_GROUP}) (model_variant_difference_high{ARM})", unit="none"),
            Column("p", expr=f"min by ({_GROUP}) (model_variant_p_value{ARM})", unit="none"),
            Column(
                "Samples",
                expr=f"max by ({_GROUP}) (model_variant_quality{ARM}) * 0 + on (model, variant)"
                f" group_left () max by (model, variant) (model_variant_samples{ARM})",
            ),
        ],
        empty=_ALONE,
    )
    return Section(
        "Which arm is better?", [(table, 24), (difference, 12), (p_values, 6), (shares, 6)], height=9
    )
