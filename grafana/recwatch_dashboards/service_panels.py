"""Panels that answer: is the recommender well? A limit is the threshold of the alert that is named."""

from grafana_foundation_sdk.builders import timeseries

from recwatch_dashboards.panels import ACT, LOOK, Limit, Query, lines


def requests() -> timeseries.Panel:
    """Show the traffic."""
    return lines(
        "Requests",
        "Recommendation requests a second, those that the caller cancelled left out.",
        "reqps",
        [Query('service_model:recommender_requests:rate5m{model=~"$model"}', "{{model}}")],
        empty="no requests",
    )


def error_rate() -> timeseries.Panel:
    """Show the share of failed requests."""
    return lines(
        "Error rate",
        "Share of failed requests over 5 minutes. RecommenderErrorRateHigh fires above the line.",
        "percentunit",
        [Query('service_model:recommender_errors:ratio_rate5m{model=~"$model"}', "{{model}}")],
        empty="no requests",
        limit=Limit(0.05, ACT),
    )


def latency() -> timeseries.Panel:
    """Show average and 95th percentile."""
    level = "service_model:recommender_request_duration_seconds"
    return lines(
        "Latency",
        "Average and p95 over 5 minutes. RecommenderLatencyHigh fires on an average above the line.",
        "s",
        [
            Query(f'{level}:mean5m{{model=~"$model"}}', "{{model}} average"),
            Query(f'{level}:p95_rate5m{{model=~"$model"}}', "{{model}} p95"),
        ],
        empty="no requests",
        limit=Limit(0.2, LOOK),
    )


def fallback_rate() -> timeseries.Panel:
    """Show the share of answers that no model gave."""
    return lines(
        "Fallback rate",
        "Share of fallbacks in the last hour's answers. RecommenderFallbackRateHigh fires above the line.",
        "percentunit",
        [Query('service_model:recommender_fallbacks:ratio_rate1h{model=~"$model"}', "{{model}}")],
        empty="no requests",
        limit=Limit(0.3, LOOK),
    )
