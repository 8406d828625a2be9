"""What Prometheus is asked for a report: every query, in one table.

A week has at most 300 points a series. Recorded series of `prometheus/rules` are asked for where there are
such; sums over the period are instant queries at its end, and at its start for the period before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from recwatch.report.period import Period

__all__ = ["ABOUT", "HELD_BACK_BY", "QUESTIONS", "Question", "drift_course"]

ABOUT = (
    *("pipeline", "stage", "check", "route", "metric", "slo", "variant"),
    *("alert", "rule_group", "sink", "worker", "target", "operation", "integration", "instance"),
)
"""Labels that tell apart what an alert is about, beside its service and model."""
HELD_BACK_BY = ("symptom", "action", "scope", "type")
"""Further labels by which Alertmanager holds back an alert."""

Kind = Literal["now", "both", "course", "slots"]


@dataclass(frozen=True)
class Question:
    """A query and how it is asked.

    Attributes:
        name: under which its answer is found.
        section: of the report that tells it.
        kind: `now`: at the end of the period; `both`: at its start too; `course`: over the period; `slots`:
            once a day of it, or an hour.
        template: PromQL in which PERIOD, STEP, MINUTES and SLOT stand for lengths.
    """

    name: str
    section: str
    kind: Kind
    template: str

    def query(self, period: Period) -> str:
        """Return the PromQL for a period."""
        lengths = {
            "PERIOD": f"{period.seconds:.0f}s",
            # Two points of a series at least, also where a picture's points are close together.
            "STEP": f"{max(period.step, 60.0):.0f}s",
            "SLOT": f"{period.slot[0]:.0f}s",
        }
        query = self.template
        for name, length in lengths.items():
            query = query.replace(name, length)
        return query


_TIME = "recommender_request_duration_seconds"
_RECORDED_TIME = f"service_model:{_TIME}"
_LATENCY = 'alert=~"RecommenderLatency(P99)?High"'
_LIMITS = f"alert_model:threshold:used{{{_LATENCY}}} or alert:threshold:used{{{_LATENCY}}}"
_BY_ALERT = f"max by (alertname, severity, service, model, symptom, {', '.join(ABOUT)})"
_FIRING_ALERTS = 'ALERTS{alertstate="firing",severity!="none"}'
_FIRING = f"{_BY_ALERT} ({_FIRING_ALERTS})"
_FIRING_NOW = (
    f"max by (alertname, severity, service, model, {', '.join((*ABOUT, *HELD_BACK_BY))}) ({_FIRING_ALERTS})"
)


def _sum(labels: str, counter: str) -> str:
    return f"sum by ({labels}) (increase({counter}[PERIOD]))"


def _slo(series: str) -> str:
    """Ask for the last value of a day: a service that is down just now has an objective all the same."""
    return f"max by (service, model, slo) (last_over_time({series}[1d]))"


_ROWS: Sequence[tuple[str, str, Kind, str]] = (
    ("down", "alerts", "now", "max by (job, service) (up) == 0"),
    ("dead_letters", "alerts", "now", "max by (sink) (bridge_dead_letters) > 0"),
    ("budget", "slo", "both", _slo("service_model:slo_budget:left30d")),
    ("slo_errors", "slo", "now", _slo("service_model:slo_errors:ratio_rate30d")),
    ("objective", "slo", "now", _slo("service_model:slo_objective:ratio")),
    ("slo_requests", "slo", "now", _slo("service_model:slo_requests:increase3d")),
    ("budget_course", "slo", "course", "max by (service, model, slo) (service_model:slo_budget:left30d)"),
    (
        "requests",
        "traffic",
        "both",
        _sum("service, model", 'recommender_requests_total{outcome!="cancelled"}'),
    ),
    (
        "rate_course",
        "traffic",
        "course",
        "max by (service, model) (avg_over_time(service_model:recommender_requests:rate5m[STEP]))",
    ),
    # Asked once: three quantiles would read all buckets of the period three times.
    ("latency", "traffic", "both", _sum("service, model, le", f"{_TIME}_bucket")),
    (
        "p50_course",
        "traffic",
        "course",
        f"max by (service, model) (max_over_time({_RECORDED_TIME}:p50_rate5m[STEP]))",
    ),
    (
        "p95_course",
        "traffic",
        "course",
        f"max by (service, model) (max_over_time({_RECORDED_TIME}:p95_rate5m[STEP]))",
    ),
    (
        "p99_course",
        "traffic",
        "course",
        f"max by (service, model) (max_over_time({_RECORDED_TIME}:p99_rate5m[STEP]))",
    ),
    (
        "limits",
        "traffic",
        "now",
        f"max by (alert, model) ({_LIMITS})",
    ),
    ("errors", "errors", "both", _sum("service, model", 'recommender_requests_total{outcome="error"}')),
    ("fallbacks", "errors", "both", _sum("service, model", "recommender_fallbacks_total")),
    (
        "error_types",
        "errors",
        "now",
        f"topk by (service, model) (3, {_sum('service, model, error', 'recommender_errors_total')} > 0)",
    ),
    (
        "error_course",
        "errors",
        "course",
        "max by (service, model) (max_over_time(service_model:recommender_errors:ratio_rate5m[STEP]))",
    ),
    *(
        (name, "drift", "now", f"max by (service, check, type, feature, segment) (drift_{name})")
        for name in ("effect_size", "threshold", "p_value", "detected")
    ),
    ("drift_rows", "drift", "now", "max by (service, check, window) (drift_rows)"),
    ("drift_min_rows", "drift", "now", "max by (service, check) (drift_min_rows)"),
    (
        "drift_rows_missing",
        "drift",
        "now",
        "max by (service, check) (service_check:drift_rows_missing:max)",
    ),
    ("drift_success", "drift", "now", "min by (service, check) (drift_check_success)"),
    ("drift_models", "drift", "now", "max by (service, check, model) (drift_check_model_info)"),
    ("drift_slots", "drift", "slots", "max by (service, check) (max_over_time(drift_detected[SLOT]))"),
    # The average over replicas, as the alerts have it: which way a metric is bad, nobody says here.
    ("quality", "quality", "both", "avg by (service, model, metric) (model_quality)"),
    ("quality_baseline", "quality", "now", "avg by (service, model, metric) (model_quality_baseline)"),
    ("quality_degraded", "quality", "now", "max by (service, model, metric) (model_quality_degraded)"),
    ("quality_samples", "quality", "now", "max by (service, model) (model_quality_samples)"),
    ("quality_course", "quality", "course", "avg by (service, model, metric) (model_quality)"),
    ("clicks", "quality", "both", _sum("service, model, variant", "recommender_clicks_total")),
    ("impressions", "quality", "both", _sum("service, model, variant", "recommender_impressions_total")),
    ("arm_samples", "quality", "now", "max by (service, model, variant) (model_variant_samples)"),
    *(
        (f"arm_{name}", "quality", "now", f"max by (service, model, variant, metric) (model_variant_{name})")
        for name in ("quality", "difference", "difference_low", "difference_high", "p_value")
    ),
    ("arm_ratio", "quality", "now", "min by (service, model) (model_sample_ratio_p_value)"),
    # A run leaves the time at which it ended: that says more than a counter that may have begun before.
    (
        "trained",
        "training",
        "both",
        "max by (model) (changes(training_last_success_timestamp_seconds[PERIOD]))",
    ),
    (
        "trained_first",
        "training",
        "both",
        "max by (model) (min_over_time(training_last_success_timestamp_seconds[PERIOD]))",
    ),
    (
        "trained_last",
        "training",
        "now",
        "max by (model) (last_over_time(training_last_success_timestamp_seconds[PERIOD]))",
    ),
    (
        "failed",
        "training",
        "both",
        "max by (model) (changes(training_last_failure_timestamp_seconds[PERIOD]))",
    ),
    (
        "failed_first",
        "training",
        "both",
        "max by (model) (min_over_time(training_last_failure_timestamp_seconds[PERIOD]))",
    ),
    ("duration", "training", "both", "max by (model) (last_over_time(training_duration_seconds[PERIOD]))"),
    (
        "duration_longest",
        "training",
        "now",
        "max by (model) (max_over_time(training_duration_seconds[PERIOD]))",
    ),
    (
        "training_metric",
        "training",
        "both",
        'max by (model, metric, split) (last_over_time(training_metric{metric!~".*_std"}[PERIOD]))',
    ),
    (
        "training_baseline",
        "training",
        "now",
        "max by (model, metric) (last_over_time(training_baseline_metric[PERIOD]))",
    ),
    (
        "training_course",
        "training",
        "course",
        'max by (model, metric, split) (training_metric{metric!~".*_std"})',
    ),
    (
        "watchdog",
        "alerts",
        "now",
        'max(max_over_time(ALERTS{alertname="Watchdog",alertstate="firing",service="prometheus"}[10m]))',
    ),
    ("firing", "alerts", "now", _FIRING_NOW),
    ("fired_minutes", "alerts", "both", f"sum_over_time({_FIRING}[PERIOD:1m])"),
    # A minute in which it fires and did not fire in the minute before.
    (
        "fired_times",
        "alerts",
        "both",
        f"count_over_time(({_FIRING} unless {_BY_ALERT} ({_FIRING_ALERTS} offset 1m))[PERIOD:1m])",
    ),
    (
        "fired_course",
        "alerts",
        "course",
        f"{_BY_ALERT} (max_over_time({_FIRING_ALERTS}[STEP]))",
    ),
    ("retrains", "retraining", "both", _sum("model, trigger, status", "bridge_retrains_total")),
    ("promotions", "retraining", "now", _sum("model, outcome", "bridge_promotions_total")),
    ("rollbacks", "retraining", "now", _sum("model, outcome", "bridge_rollbacks_total")),
    ("retrain_seconds", "retraining", "now", _sum("model", "bridge_retrain_duration_seconds_sum")),
    ("retrain_count", "retraining", "now", _sum("model", "bridge_retrain_duration_seconds_count")),
    (
        "versions",
        "retraining",
        "course",
        "max by (model, version) (max_over_time(recommender_model_info[STEP]))",
    ),
)
QUESTIONS = tuple(Question(*row) for row in _ROWS)


def drift_course(service: str, check: str, feature: str, segment: str) -> str:
    """Return the query of one finding's effect over time; the names may hold anything."""
    labels = {"service": service, "check": check, "feature": feature, "segment": segment}
    matchers = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"max(drift_effect_size{{{matchers}}})"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
