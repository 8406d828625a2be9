"""From alerts to what a message says."""

from collections.abc import Sequence

from recwatch_bridge.accepting.payload import Alert, Webhook
from recwatch_bridge.messages.entries import MAX_ROWS, entry, table
from recwatch_bridge.messages.notification import FACT_LENGTH, TEXT_LENGTH, Entry, Graph, Notification, Tone
from recwatch_bridge.text import one_line

MAX_IN_FULL = 3
"""Alerts of one name that are told of in full; more become a table."""
MAX_NAMES = 20
"""Names of alerts in one message, that of a group by `alertname` has one."""
SUBJECT_LENGTH = 150
_MAX_GRAPHED = 6
"""Alerts of which a picture shows the series; more would be lines that nobody can tell apart."""
_SEVERITIES: tuple[Tone, ...] = ("critical", "warning", "info")


def compose(webhook: Webhook, alerts: Sequence[Alert], *, now: float, reminder: bool = False) -> Notification:
    """Make the message that tells of some alerts of a group, all of one status.

    Args:
        webhook: the group.
        alerts: those to tell of, at least one.
        now: seconds since the epoch.
        reminder: whether they were told before and still fire.
    """
    resolved = alerts[0].status == "resolved"
    tone: Tone = "resolved" if resolved else worst_severity(alerts)
    named = _by_name(alerts)
    entries, shown = _entries(named, now)
    notes = ["Told before, still firing."] if reminder else []
    if len(alerts) > shown:
        notes.append(f"{len(alerts) - shown} more alerts are not shown here.")
    if webhook.truncated:
        notes.append(f"Alertmanager left out {webhook.truncated} alerts of this group (max_alerts).")
    return Notification(
        subject=f"[{tone.upper()}] {one_line(_headline(alerts, named), SUBJECT_LENGTH)}",
        tone=tone,
        entries=entries,
        notes=tuple(notes),
        graph=None if resolved else _graph(named[0]),
    )


def compose_left_out(webhook: Webhook) -> Notification:
    """Make the message that says that Alertmanager left out alerts of a group, where there is no other."""
    labels = ", ".join(f"{name}={value}" for name, value in webhook.group_labels.items())
    facts = (("Receiver", one_line(webhook.receiver, FACT_LENGTH)), ("Group", one_line(labels, FACT_LENGTH)))
    return Notification(
        subject=f"[WARNING] Alertmanager left out {webhook.truncated} alerts",
        tone="warning",
        entries=(
            Entry(
                title=f"Alertmanager left out {webhook.truncated} alerts (warning)",
                paragraphs=(
                    "The bridge cannot tell of them, nor of when they are over, as it does not know them.",
                    "Set max_alerts: 0 in this receiver's webhook_configs: other values leave alerts out.",
                    "This is said once a day for each group.",
                ),
                facts=tuple((name, value) for name, value in facts if value),
            ),
        ),
    )


def summary(alert: Alert) -> str:
    """Say an alert in one line: `DriftDetected: rating_scale has drifted`."""
    told = alert.annotations.get("summary", "")
    return one_line(f"{alert.name}: {told}" if told else alert.name, TEXT_LENGTH)


def worst_severity(alerts: Sequence[Alert]) -> Tone:
    """Return the gravest severity; an unknown or missing one counts as a warning: nobody overlooks it."""
    return _SEVERITIES[min(_gravity(alert) for alert in alerts)]


def _gravity(alert: Alert) -> int:
    severity = alert.labels.get("severity", "").lower()
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else _SEVERITIES.index("warning")


def _by_name(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """Return the alerts of each name, the gravest first, otherwise as Alertmanager has them."""
    named: dict[str, list[Alert]] = {}
    for alert in sorted(alerts, key=_gravity):
        named.setdefault(alert.name, []).append(alert)
    return list(named.values())


def _entries(named: Sequence[Sequence[Alert]], now: float) -> tuple[tuple[Entry, ...], int]:
    """Return what is told of the alerts of each name, and how many alerts that shows."""
    entries: list[Entry] = []
    shown = 0
    for members in named[:MAX_NAMES]:
        if len(members) <= MAX_IN_FULL:
            entries += [entry(alert, now) for alert in members]
            shown += len(members)
        elif shown < MAX_ROWS:
            some = members[: MAX_ROWS - shown]
            entries.append(table(members, some, now))
            shown += len(some)
    return tuple(entries), shown


def _headline(alerts: Sequence[Alert], named: Sequence[Sequence[Alert]]) -> str:
    first = named[0][0]
    if len(alerts) == 1:
        return summary(first)
    if len(named) == 1:
        return f"{first.name}: {len(alerts)} alerts"
    return f"{first.name} and {len(alerts) - 1} more alert{'s' if len(alerts) > 2 else ''}"  # noqa: PLR2004


def _graph(members: Sequence[Alert]) -> Graph:
    drawn = members[:_MAX_GRAPHED]
    return Graph(
        alert=members[0].name,
        since=min(alert.starts_at for alert in drawn).timestamp(),
        labels=tuple(dict(alert.labels) for alert in drawn),
    )
