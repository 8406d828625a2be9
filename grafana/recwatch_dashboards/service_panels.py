"""Panels on a recommender's answers; a threshold is that of the alert that is named."""

from grafana_foundation_sdk.builders import table, timeseries

from recwatch_dashboards.looks import Line
from recwatch_dashboards.panels import lines
from recwatch_dashboards.queries import Query, threshold
from recwatch_dashboards.tables import Column, listing

CHOSEN = '{service=~"$service", model=~"$model"}'
LATENCY = "service_model:recommender_request_duration_seconds"
SERIES = "{{service}} {{model}}"
SILENT = "no recommendation was asked for in this time"


def requests() -> timeseries.Panel:
    """Show the traffic, and that of a week before."""
    rate = f"service_model:recommender_requests:per_minute_rate5m{CHOSEN}"
    return lines(
        "Requests a minute",
        "Recommendations that were asked for, those that the caller cancelled left out. Dashed: a week"
        " before. RecommenderNoRequests fires at 0, RecommenderDown where nothing answers Prometheus.",
        "short",
        [
            Query(rate, SERIES),
            Query(f"{rate} offset 1w", f"{SERIES} a week before", Line.DASHED),
        ],
        empty=SILENT,
    )


def error_rate() -> timeseries.Panel:
    """Show the share of failed requests."""
    return lines(
        "Error rate",
        "Share of failed requests over 5 minutes. RecommenderErrorRateHigh fires above the line.",
        "percentunit",
        [
            Query(f"service_model:recommender_errors:ratio_rate5m{CHOSEN}", SERIES),
            threshold("RecommenderErrorRateHigh"),
        ],
        empty=SILENT,
    )


def latency() -> timeseries.Panel:
    """Show the average latency."""
    return lines(
        "Average latency",
        "Average over 5 minutes. RecommenderLatencyHigh fires above the line.",
        "s",
        [Query(f"{LATENCY}:mean5m{CHOSEN}", SERIES), threshold("RecommenderLatencyHigh")],
        empty=SILENT,
    )


def fallback_rate() -> timeseries.Panel:
    """Show the share of answers that no model gave."""
    return lines(
        "Fallback rate",
        "Share of fallbacks in the last hour's answers. RecommenderFallbackRateHigh fires above the line.",
        "percentunit",
        [
            Query(f"service_model:recommender_fallbacks:ratio_rate1h{CHOSEN}", SERIES),
            threshold("RecommenderFallbackRateHigh"),
        ],
        empty=SILENT,
    )


def budget() -> timeseries.Panel:
    """Show what is left of the error budgets."""
    return lines(
        "Error budget left",
        "Share of the last 30 days' budget that is left, by objective. ErrorBudgetSpent fires below the line;"
        " AvailabilityBudgetBurn and LatencyBudgetBurn tell how fast it goes.",
        "percentunit",
        [
            Query(f"service_model:slo_budget:left30d{CHOSEN}", f"{SERIES} {{{{slo}}}}"),
            threshold("ErrorBudgetSpent"),
        ],
        empty=SILENT,
    )


def versions() -> table.Panel:
    """List what is in service. The info metric names the version, the other when it was trained."""
    return listing(
        "Versions in service",
        "Each model's version and when it was trained. Two rows of one model: its processes serve different"
        " versions, and RecommenderVersionsDiffer tells of it.",
        [
            Column("Service", "service"),
            Column("Model", "model"),
            Column("Version", "version"),
            Column(
                "Trained",
                expr="max by (service, model, version) ("
                f"max by (service, model, instance, version) (recommender_model_info{CHOSEN})"
                " * on (service, model, instance) group_left ()"
                " max by (service, model, instance) (recommender_model_trained_timestamp_seconds))"
                " * 1000",
                unit="dateTimeAsIso",
            ),
        ],
        empty="no model is in service",
    )
