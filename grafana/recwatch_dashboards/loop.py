"""Alerts and retraining: what fires, who was told, what was retrained, promoted and rolled back."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries

from recwatch_dashboards.board import board
from recwatch_dashboards.grid import Section, place
from recwatch_dashboards.looks import ACT, LOOK, PLAIN, WELL, names
from recwatch_dashboards.panels import bars, figure, lines, states
from recwatch_dashboards.queries import Query, counted, overall_threshold
from recwatch_dashboards.tables import Column, listing
from recwatch_dashboards.variables import models

UID = "recwatch-loop"
_ALERTS = 'severity!="none", model=~"$model|"'
FIRING = f'ALERTS{{alertstate="firing", {_ALERTS}}}'
ANY_SERVICE = "Alerts of all services: their parts depend on each other."
_OF_MODELS = "Those of the chosen models, and those of no model."
_ALL_MODELS = "Of all models: these counts know none."
_CRITICAL = 'ALERTS{alertstate="firing", severity="critical", model=~"$model|"}'
_SERIES = "alertname, severity, service, model, check"
_RUNBOOK = "https://github.com/recwatch/recwatch/blob/main/docs/runbooks/${__value.raw}.md"
_BY = "alertname, severity, service, model, check, action"
_CHOSEN = '{model=~"$model"}'
_NO_BRIDGE = "no bridge is scraped"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    text = "What fires, who was told, and what was retrained, promoted and rolled back?"
    variables = [models("bridge_retrain_in_progress")]
    return place(
        board(UID, "recwatch alerts and retraining", text, variables),
        [_alerts(), _messages(), _retraining(), _promotions()],
    )


def alerts_over_time() -> statetimeline.Panel:
    """Show each alert while it fires."""
    return states(
        "Alerts",
        f"Alerts while they fire; red is critical. {_OF_MODELS} {ANY_SERVICE}",
        Query(
            f"2 * max by ({_SERIES}) ({_CRITICAL}) or max by ({_SERIES}) ({FIRING})",
            "{{alertname}} {{service}} {{check}} {{model}} ({{severity}})",
        ),
        [("", WELL), ("firing", LOOK), ("critical", ACT)],
        empty="nothing fired in this time",
    )


def deliveries() -> timeseries.Panel:
    """Show the messages that went out, or did not."""
    return bars(
        "Messages",
        f"Attempts of the bridge to deliver a message in 5 minutes, by sink and outcome. {_ALL_MODELS}",
        [counted("service_sink_outcome:bridge_deliveries:increase5m", "{{sink}} {{outcome}}")],
        empty="nothing was sent in this time",
    )


def retraining() -> timeseries.Panel:
    """Show how the retraining runs ended."""
    return bars(
        "Retraining runs that ended",
        "Runs that ended in 5 minutes, by how. A refused candidate did not pass the gate.",
        [counted(f"service_model_status:bridge_retrains:increase5m{_CHOSEN}", "{{model}} {{status}}")],
        empty="no retraining ended in this time",
    )


def last_retraining() -> table.Panel:
    """List when the bridge last retrained each model, and how that ended."""
    recorded = f"service_model_status:bridge_retrains:timestamp{_CHOSEN}"
    return listing(
        "Last retraining",
        "When the bridge last retrained each model, by how that ended: within 30 days, to 5 minutes.",
        [
            Column("Model", "model"),
            Column("Ended", "status"),
            Column(
                "When",
                expr=f"1000 * max by (model, status) (max_over_time({recorded}[30d]))",
                unit="dateTimeFromNow",
            ),
        ],
        empty="nothing was retrained in 30 days",
    )


def promotions() -> timeseries.Panel:
    """Show the changes of the version in service."""
    return bars(
        "Promotions and rollbacks",
        "Changes of the version in service that the bridge made, or tried, in 5 minutes.",
        [
            counted(
                f"service_model_outcome:bridge_promotions:increase5m{_CHOSEN}",
                "{{model}} promotion {{outcome}}",
            ),
            counted(
                f"service_model_outcome:bridge_rollbacks:increase5m{_CHOSEN}",
                "{{model}} rollback {{outcome}}",
            ),
        ],
        empty="no version changed in this time",
    )


def _alerts() -> Section:
    now = listing(
        "Alerts now",
        "What fires, since when, how severe it is and what it starts; the name leads to its runbook."
        f" BridgeDown fires where nobody would be told. {_OF_MODELS} {ANY_SERVICE}",
        [
            Column("Alert", "alertname", link=_RUNBOOK),
            Column("Severity", "severity"),
            Column("Service", "service"),
            Column("Model", "model"),
            Column("Check", "check"),
            Column("Action", "action"),
            Column(
                "Since",
                expr=f"1000 * min by ({_BY}) (ALERTS_FOR_STATE{{{_ALERTS}}})"
                f" and on ({_BY}) count by ({_BY}) ({FIRING})",
                unit="dateTimeFromNow",
            ),
            Column("Series", expr=f"count by ({_BY}) ({FIRING})"),
        ],
        empty="nothing fires",
        sort="Severity",
    )
    received = bars(
        "Alerts received",
        f"Alerts in webhooks to the bridge in 5 minutes, repeats included. {_ALL_MODELS}",
        [counted("service_status:bridge_alerts_received:increase5m", "{{status}}")],
        empty="Alertmanager sent nothing in this time",
    )
    return Section("What fires?", [(alerts_over_time(), 24), (now, 12), (received, 8), (watchdog(), 4)])


def watchdog() -> stat.Panel:
    """Show whether the bridge hears that alerts arrive."""
    silent = "max(bridge_watchdog_silent)"
    return figure(
        "Watchdog",
        "Whether the bridge hears Alertmanager's Watchdog, which comes every minute. Silent for longer than"
        " bridge.yml allows: no alert would arrive either. The alert Watchdog fires always, so that this can"
        " be told.",
        "none",
        Query(f"{silent} > 0 or {silent} and on () (bridge_watchdog_timestamp_seconds > 0)"),
        empty="never heard",
    ).mappings([names([("heard", WELL), ("silent", ACT)])])


def _messages() -> Section:
    pending = lines(
        "Messages waiting",
        f"Messages in the bridge's outbox that are not delivered yet. BridgeWorkerErrors and"
        f" BridgeStoreErrors tell where the bridge cannot send or keep them. {_ALL_MODELS}",
        "short",
        [Query("max by (sink) (bridge_outbox_pending)", "{{sink}}")],
        empty=_NO_BRIDGE,
    )
    oldest = lines(
        "Age of the oldest waiting message",
        f"BridgeOutboxOld fires above the line. {_ALL_MODELS}",
        "s",
        [
            Query("time() - min by (sink) (bridge_outbox_oldest_timestamp_seconds)", "{{sink}}"),
            overall_threshold("BridgeOutboxOld"),
        ],
        empty="no message waited in this time",
    )
    dead = lines(
        "Dead letters",
        f"Messages that were given up, until somebody sends them again or deletes them. BridgeDeadLetters"
        f" tells of them. {_ALL_MODELS}",
        "short",
        [Query("max by (sink) (bridge_dead_letters)", "{{sink}}")],
        empty=_NO_BRIDGE,
    )
    return Section("Who was told?", [(deliveries(), 6), (pending, 6), (oldest, 6), (dead, 6)])


def _retraining() -> Section:
    running = states(
        "Retraining",
        "Runs that go on.",
        Query(f"max by (model) (bridge_retrain_in_progress{_CHOSEN})", "{{model}}"),
        [("", PLAIN), ("running", WELL)],
        empty=_NO_BRIDGE,
    )
    ignored = bars(
        "Alerts that started nothing",
        "Alerts that asked for an action in vain in 5 minutes, by why: the model was cooling down, held, or"
        f" not known. {_ALL_MODELS}",
        [counted("service_reason:bridge_alerts_ignored:increase5m", "{{reason}}")],
        empty="no alert asked in vain in this time",
    )
    duration = lines(
        "Duration of a retraining",
        "Average of the runs of a day, from the start to the end, or until a person is asked.",
        "s",
        [
            Query(
                f"max by (model) (service_model:bridge_retrain_duration_seconds:mean1d{_CHOSEN})", "{{model}}"
            )
        ],
        empty="no run ended in a day",
    )
    return Section("What was retrained?", [(running, 12), (retraining(), 12), (ignored, 12), (duration, 12)])


def _promotions() -> Section:
    approvals = bars(
        "Candidates that waited for a person",
        "In 5 minutes, by the answer.",
        [counted(f"service_model_outcome:bridge_approvals:increase5m{_CHOSEN}", "{{model}} {{outcome}}")],
        empty="no candidate waited for a person in this time",
    )
    watches = bars(
        "Watches over a promotion that ended",
        "In 5 minutes, by how: passed, rolled back, or not to be told.",
        [counted(f"service_model_outcome:bridge_watches:increase5m{_CHOSEN}", "{{model}} {{outcome}}")],
        empty="no watch ended in this time",
    )
    told = bars(
        "Services told to load a version",
        "In 5 minutes, by outcome.",
        [counted(f"service_model_outcome:bridge_reloads:increase5m{_CHOSEN}", "{{model}} {{outcome}}")],
        empty="no service was told in this time",
    )
    return Section(
        "What was promoted and rolled back?", [(promotions(), 6), (watches, 6), (approvals, 6), (told, 6)]
    )
