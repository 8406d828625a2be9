"""From alerts to what a message says."""

import re
from collections.abc import Mapping, Sequence

from recwatch_bridge.clock import readable
from recwatch_bridge.notification import Entry, Notification, Tone
from recwatch_bridge.payload import Alert, Webhook
from recwatch_bridge.text import one_line, paragraphs

MAX_ENTRIES = 40
"""Alerts that one message tells of in full; Slack allows 50 blocks."""
SUBJECT_LENGTH = 150
TITLE_LENGTH = 150
TEXT_LENGTH = 1_000
FACT_LENGTH = 200
_SEVERITIES: tuple[Tone, ...] = ("critical", "warning", "info")
_LINK = re.compile(r"https?://[^\s<>\"'|]{1,900}")
_SHOWN_LABELS = 12


def compose(webhook: Webhook, alerts: Sequence[Alert]) -> Notification:
    """Make the message that tells of some alerts of a group, all of one status.

    Args:
        webhook: the group.
        alerts: those to tell of, at least one.
    """
    resolved = alerts[0].status == "resolved"
    tone: Tone = "resolved" if resolved else worst_severity(alerts)
    shown = alerts[:MAX_ENTRIES]
    notes = []
    if len(alerts) > len(shown):
        notes.append(f"{len(alerts) - len(shown)} more alerts are not shown here.")
    if webhook.truncated:
        notes.append(f"Alertmanager left out {webhook.truncated} alerts of this group (max_alerts).")
    return Notification(
        subject=f"[{tone.upper()}] {one_line(_headline(alerts), SUBJECT_LENGTH)}",
        tone=tone,
        entries=tuple(_entry(alert) for alert in shown),
        notes=tuple(notes),
    )


def summary(alert: Alert) -> str:
    """Say an alert in one line: `DriftDetected: rating_scale has drifted`."""
    told = alert.annotations.get("summary", "")
    return one_line(f"{alert.name}: {told}" if told else alert.name, TEXT_LENGTH)


def worst_severity(alerts: Sequence[Alert]) -> Tone:
    """Return the gravest severity; an unknown or missing one counts as a warning: nobody overlooks it."""
    found = {alert.labels.get("severity", "").lower() for alert in alerts}
    known = {tone if tone in _SEVERITIES else "warning" for tone in found}
    return next(tone for tone in _SEVERITIES if tone in known)


def _headline(alerts: Sequence[Alert]) -> str:
    first = alerts[0]
    if len(alerts) == 1:
        return summary(first)
    names = {alert.name for alert in alerts}
    if len(names) == 1:
        return f"{first.name}: {len(alerts)} alerts"
    return f"{first.name} and {len(alerts) - 1} more alert{'s' if len(alerts) > 2 else ''}"  # noqa: PLR2004


def _entry(alert: Alert) -> Entry:
    told = alert.annotations
    # When it is over, there is nothing left to recommend.
    keys = ("summary", "description") + (() if alert.status == "resolved" else ("recommendation",))
    texts = (paragraphs(told.get(key, ""), TEXT_LENGTH) for key in keys)
    return Entry(
        title=one_line(f"{alert.name} ({_state(alert)})", TITLE_LENGTH),
        paragraphs=tuple(text for text in texts if text),
        facts=tuple(_facts(alert)),
        links=tuple(_links(alert)),
    )


def _state(alert: Alert) -> str:
    severity = alert.labels.get("severity", "no severity")
    return f"{severity}, resolved" if alert.status == "resolved" else f"{severity}, firing"


def _facts(alert: Alert) -> list[tuple[str, str]]:
    told = alert.annotations
    facts = [("Value", told.get("value", "")), ("Threshold", told.get("threshold", ""))]
    facts.append(("Since", readable(alert.starts_at)))
    if alert.status == "resolved" and alert.ends_at is not None:
        facts.append(("Until", readable(alert.ends_at)))
    facts.append(("Labels", _labels(alert.labels)))
    return [(name, one_line(value, FACT_LENGTH)) for name, value in facts if value]


def _labels(labels: Mapping[str, str]) -> str:
    told = [f"{name}={value}" for name, value in labels.items() if name not in ("alertname", "severity")]
    return ", ".join(told[:_SHOWN_LABELS])


def _links(alert: Alert) -> list[tuple[str, str]]:
    candidates = [
        ("Runbook", alert.annotations.get("runbook_url", "")),
        ("Dashboard", alert.annotations.get("dashboard_url", "")),
        ("Query", alert.generator_url),
    ]
    # Anything but http(s) is no link that a mail program or Slack should follow.
    return [(name, url) for name, url in candidates if _LINK.fullmatch(url)]
