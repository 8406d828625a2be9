"""Panels that answer: is anything wrong?"""

from grafana_foundation_sdk.builders import stat

from recwatch_dashboards.panels import ACT, LOOK, Limit, Query, figure

_WEEK = 7 * 86_400.0


def alerts_firing() -> stat.Panel:
    """Count what fires."""
    return figure(
        "Alerts firing",
        "Alerts that fire now, of any severity.",
        "short",
        Query('count(ALERTS{alertstate="firing"}) or vector(0)'),
        empty="none",
        limit=Limit(1, LOOK),
    )


def parts_down() -> stat.Panel:
    """Count the targets that do not answer."""
    return figure(
        "Parts down",
        "Scrape targets that Prometheus does not reach.",
        "short",
        Query("count(up == 0) or vector(0)"),
        empty="none",
        limit=Limit(1, ACT),
    )


def drifting_checks() -> stat.Panel:
    """Count the checks that see drift; no number at all where none has run."""
    return figure(
        "Drifting checks",
        "Drift checks whose last result is drift.",
        "short",
        Query("sum(service_check:drift_detected:max)"),
        empty="no check has run",
        limit=Limit(1, LOOK),
    )


def retraining_now() -> stat.Panel:
    """Count the runs that go on."""
    return figure(
        "Retraining now",
        "Retraining runs of the bridge that go on.",
        "short",
        Query('sum(bridge_retrain_in_progress{model=~"$model"})'),
        empty="no bridge",
    )


def model_age() -> stat.Panel:
    """Tell how old the oldest model in service is."""
    return figure(
        "Model age",
        "Since the oldest of the chosen models in service was trained; more than a week asks for a look.",
        "s",
        Query('time() - min(recommender_model_trained_timestamp_seconds{model=~"$model"})'),
        empty="no model in service",
        limit=Limit(_WEEK, LOOK),
    )


def messages_waiting() -> stat.Panel:
    """Count the undelivered."""
    return figure(
        "Messages waiting",
        "Messages in the bridge's outbox that are not delivered yet, all sinks together.",
        "short",
        Query("sum(bridge_outbox_pending)"),
        empty="no bridge",
    )
