"""Quality and A/B: are the models as good as they were, and which arm is better?"""

from grafana_foundation_sdk.builders import dashboard, timeseries

from recwatch_dashboards.arms import ARM, arms
from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import LOOK, WELL, Line
from recwatch_dashboards.panels import lines, states
from recwatch_dashboards.queries import Query, threshold
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import choice, models

UID = "recwatch-quality"
_CHOSEN = '{model=~"$model"}'
_UNLABELLED = "too few predictions have their label yet, or recwatch.quality is not set up"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "Are the models as good as they were, do labels come in, and which arm of an A/B test is better?"
    variables = [
        models("model_predictions_total"),
        choice("variant", "Variant", 'label_values(model_variant_samples{model=~"$model"}, variant)'),
    ]
    return place(
        board(UID, "recwatch quality and A/B", text, variables), [_quality(), _labels(), _clicks(), arms()]
    )


def quality() -> timeseries.Panel:
    """Show each metric over its baseline."""
    return lines(
        "Quality against the baseline",
        "Each metric over the window of labelled predictions, over its baseline: 1 is as good. Of RMSE and"
        " MAE less is better. ModelQualityDegraded tells of what is worse by more than the tolerated drop.",
        "none",
        [
            Query(
                f"service_model_metric:model_quality:relative_every4m{_CHOSEN}",
                "{{service}} {{model}} {{metric}}",
            ),
            Query("vector(1)", "baseline", Line.THRESHOLD, beside=True),
        ],
        empty=_UNLABELLED,
    )


def _metric(title: str, text: str, unit: str, metric: str, alert: str) -> timeseries.Panel:
    return lines(
        title,
        f"{text} over the window of labelled predictions. {alert}",
        unit,
        [
            Query(
                f'service_model_metric:model_quality:avg{{model=~"$model", metric="{metric}"}}',
                "{{service}} {{model}} {{metric}}",
            ),
            threshold(alert.split(maxsplit=1)[0]),
        ],
        empty=f"no model has this metric, or {_UNLABELLED}",
    )


def _quality() -> Section:
    degraded = states(
        "Degraded",
        "Metrics that are worse than their baseline by more than the tolerated drop.",
        Query(
            f"service_model_metric:model_quality_degraded:max_every4m{_CHOSEN}",
            "{{service}} {{model}} {{metric}}",
        ),
        [("well", WELL), ("degraded", LOOK)],
        empty=_UNLABELLED,
    )
    figures = listing(
        "Quality now",
        "Each metric beside its baseline.",
        [
            Column("Model", "model"),
            Column("Metric", "metric"),
            Column(
                "Value",
                expr=f"max by (model, metric) (service_model_metric:model_quality:avg{_CHOSEN})",
                unit="none",
            ),
            Column(
                "Baseline",
                expr=f"max by (model, metric) (service_model_metric:model_quality_baseline:avg{_CHOSEN})",
                unit="none",
            ),
            Column(
                "State",
                expr=f"max by (model, metric) (model_quality_degraded{_CHOSEN})",
                states=[("well", WELL), ("degraded", LOOK)],
            ),
        ],
        empty=_UNLABELLED,
    )
    return Section(
        "Are the models as good as they were?",
        [
            (quality(), 8),
            (degraded, 8),
            (figures, 8),
            (
                _metric(
                    "Accuracy",
                    "Accuracy",
                    "percentunit",
                    "accuracy",
                    "AccuracyLow fires below the line.",
                ),
                8,
            ),
            (
                _metric(
                    "RMSE", "Root of the mean squared error", "none", "rmse", "RmseHigh fires above the line."
                ),
                8,
            ),
            (_metric("MAE", "Mean absolute error", "none", "mae", "MaeHigh fires above the line."), 8),
        ],
    )


def _labels() -> Section:
    joined = lines(
        "Predictions and labels",
        "Predictions a second, and labels that found theirs; over an hour.",
        "ops",
        [
            Query(f"service_model:model_predictions:rate1h{_CHOSEN}", "{{service}} {{model}} predictions"),
            Query(
                f"service_model:model_feedback:rate1h{_CHOSEN}", "{{service}} {{model}} labels", Line.DASHED
            ),
        ],
        empty="no prediction was recorded",
    )
    lag = lines(
        "Label lag",
        "From a prediction to its label: 90 % of the last hour's came sooner. Dashed: the same hours of the"
        " last"
        " 7 days.",
        "s",
        [
            Query(f"service_model:model_feedback_lag_seconds:p90_rate1h{_CHOSEN}", "{{service}} {{model}}"),
            Query(
                f"service_model:model_feedback_lag_seconds:baseline7d{_CHOSEN}",
                "{{service}} {{model}} usually",
                Line.DASHED,
            ),
        ],
        empty="no label came in the last hour",
    )
    growth = lines(
        "Label lag against usual",
        "Over that of the same hours of the last 7 days. LabelsLate fires above the line.",
        "none",
        [
            Query(f"service_model:model_feedback_lag_seconds:growth7d{_CHOSEN}", "{{service}} {{model}}"),
            threshold("LabelsLate"),
        ],
        empty="nothing to compare with yet: three days of labels are needed",
    )
    lost = lines(
        "Without the other half",
        "Labels a second that found no prediction, by reason, and predictions that expired without one; over"
        " an hour.",
        "ops",
        [
            Query(
                f"service_model_reason:model_feedback_unmatched:rate1h{_CHOSEN}",
                "{{service}} {{model}} {{reason}}",
            ),
            Query(
                f"service_model:model_predictions_expired:rate1h{_CHOSEN}",
                "{{service}} {{model}} no label",
                Line.DASHED,
            ),
        ],
        empty="no prediction was recorded",
    )
    samples = lines(
        "Labelled predictions in the window",
        "What the metrics above rest on.",
        "short",
        [Query(f"max by (service, model) (model_quality_samples{_CHOSEN})", "{{service}} {{model}}")],
        empty="no prediction was recorded",
    )
    return Section("Do labels come in?", [(joined, 12), (samples, 12), (lag, 8), (growth, 8), (lost, 8)])


def _clicks() -> Section:
    rate = f"service_model_variant:recommender_clicks:ratio_rate1h{ARM}"
    usual = f"service_model_variant:recommender_clicks:baseline7d{ARM}"
    clicks = lines(
        "Click-through rate",
        "Share of the shown items that were taken, over an hour. Dashed: the same hours of the last 7 days.",
        "percentunit",
        [
            Query(rate, "{{service}} {{model}} {{variant}}"),
            Query(usual, "{{service}} {{model}} {{variant}} usually", Line.DASHED),
        ],
        empty="no item was shown in this time",
    )
    fall = lines(
        "Fall of the click-through rate",
        "By how much that of all arms together is below the same hours of the last 7 days."
        " ClickThroughRateDown fires"
        " above the line, where chance does not explain it.",
        "percentunit",
        [
            Query(f"service_model:recommender_clicks:drop7d{_CHOSEN}", "{{service}} {{model}}"),
            threshold("ClickThroughRateDown"),
        ],
        empty="nothing to compare with yet: clicks of an earlier day are needed",
        lowest=None,
    )
    accepted = lines(
        "Acceptance rate",
        "Share of the suggestions that were taken. Dashed: the same hours of the last 7 days.",
        "percentunit",
        [
            Query(
                'service_model_metric:model_quality:avg{model=~"$model", metric="acceptance_rate"}',
                "{{service}} {{model}}",
            ),
            Query(
                f"service_model:model_acceptance_rate:baseline7d{_CHOSEN}",
                "{{service}} {{model}} usually",
                Line.DASHED,
            ),
        ],
        empty=f"no model has this metric, or {_UNLABELLED}",
    )
    fewer = lines(
        "Fall of the acceptance rate",
        "By how much it is below the same hours of the last 7 days. AcceptanceRateDown fires above the line,"
        " where chance"
        " does not explain it.",
        "percentunit",
        [
            Query(f"service_model:model_acceptance_rate:drop7d{_CHOSEN}", "{{service}} {{model}}"),
            threshold("AcceptanceRateDown"),
        ],
        empty="nothing to compare with yet: three days of suggestions are needed",
        lowest=None,
    )
    return Section("Do people take what they are shown?", [(clicks, 6), (fall, 6), (accepted, 6), (fewer, 6)])
