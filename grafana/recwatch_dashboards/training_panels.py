"""Panels that answer: what is in service, and how was it trained?"""

from grafana_foundation_sdk.builders import table, timeseries

from recwatch_dashboards.panels import Query, lines, listing


def versions() -> table.Panel:
    """List what is in service. The info metric names the version, the other when it was trained."""
    return listing(
        "Versions in service",
        "Each model's version and when it was trained.",
        Query(
            'max by (service, model, version) (recommender_model_info{model=~"$model"})'
            " * on (service, model) group_left ()"
            " max by (service, model) (recommender_model_trained_timestamp_seconds) * 1000"
        ),
        [("service", "Service"), ("model", "Model"), ("version", "Version"), ("Value", "Trained")],
        unit="dateTimeAsIso",
        empty="no model in service",
    )


def training_runs() -> timeseries.Panel:
    """Count the trainings, by how they ended."""
    return lines(
        "Training runs",
        "How many trainings there have been, by how they ended.",
        "short",
        [Query('sum by (model, status) (training_runs_total{model=~"$model"})', "{{model}} {{status}}")],
        empty="no training was reported",
    )


def training_duration() -> timeseries.Panel:
    """Show how long the last training took."""
    return lines(
        "Training duration",
        "How long the last training of each model took.",
        "s",
        [Query('max by (model) (training_duration_seconds{model=~"$model"})', "{{model}}")],
        empty="no training was reported",
    )
