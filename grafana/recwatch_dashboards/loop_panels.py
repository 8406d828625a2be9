"""Panels that answer: who was told, and what was done?"""

from grafana_foundation_sdk.builders import statetimeline, timeseries

from recwatch_dashboards.panels import LOOK, WELL, Query, bars, states


def alerts_over_time() -> statetimeline.Panel:
    """Show each alert while it fires."""
    return states(
        "Alerts",
        "Alerts while they fire.",
        Query(
            'max by (alertname, severity, service, model, check) (ALERTS{alertstate="firing"})',
            "{{alertname}} {{check}} {{model}} ({{severity}})",
        ),
        [("", WELL), ("firing", LOOK)],
        empty="nothing fired in this time",
    )


def deliveries() -> timeseries.Panel:
    """Show the messages that went out, or did not."""
    return bars(
        "Messages",
        "Attempts of the bridge to deliver a message, by sink and outcome.",
        [Query(_happened("sink, outcome", "bridge_deliveries_total"), "{{sink}} {{outcome}}")],
        empty="nothing was sent in this time",
    )


def retraining() -> timeseries.Panel:
    """Show how the retraining runs ended."""
    return bars(
        "Retraining runs that ended",
        "By how they ended. A refused candidate did not pass the gate.",
        [Query(_happened("model, status", 'bridge_retrains_total{model=~"$model"}'), "{{model}} {{status}}")],
        empty="no retraining ended in this time",
    )


def promotions() -> timeseries.Panel:
    """Show the changes of the version in service."""
    promoted, rolled_back = (
        _happened("model, outcome", f'bridge_{what}_total{{model=~"$model"}}')
        for what in ("promotions", "rollbacks")
    )
    return bars(
        "Promotions and rollbacks",
        "Changes of the version in service that the bridge made.",
        [
            Query(promoted, "{{model}} promotion {{outcome}}"),
            Query(rolled_back, "{{model}} rollback {{outcome}}"),
        ],
        empty="no version changed in this time",
    )


def _happened(labels: str, counter: str) -> str:
    return f"sum by ({labels}) (increase({counter}[$__rate_interval])) > 0"
