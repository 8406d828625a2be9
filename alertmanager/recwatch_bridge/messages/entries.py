"""What a message says of one alert, and of many that share a name."""

import re
from collections.abc import Iterable, Mapping, Sequence

from recwatch_bridge.accepting.payload import Alert
from recwatch_bridge.clock import lasting, readable
from recwatch_bridge.messages.notification import FACT_LENGTH, TEXT_LENGTH, TITLE_LENGTH, Entry, Pairs, Row
from recwatch_bridge.text import one_line, paragraphs

MAX_ROWS = 50
"""Alerts that one message names; more are counted."""
_MINUTE = 60
_SHOWN_LABELS = 12
_LINK = re.compile(r"https?://[^\s<>\"'|]{1,900}")
_NAMED_ELSEWHERE = ("alertname", "severity")


def entry(alert: Alert, now: float) -> Entry:
    """Tell of one alert in full.

    Args:
        alert: the alert.
        now: seconds since the epoch.
    """
    facts = [*_measured(alert), *_times(alert, now), ("Labels", _labels(alert.labels))]
    return Entry(
        title=one_line(f"{alert.name} ({_state([alert])})", TITLE_LENGTH),
        paragraphs=_paragraphs([alert], ("summary", *_explained(alert))),
        facts=_kept(facts),
        links=_links(alert),
    )


def table(alerts: Sequence[Alert], shown: Sequence[Alert], now: float) -> Entry:
    """Tell of several alerts of one name: what they have in common once, and a row for each.

    Args:
        alerts: all of them.
        shown: those that get a row.
        now: seconds since the epoch.
    """
    first = alerts[0]
    same = {
        name: value
        for name, value in first.labels.items()
        if all(alert.labels.get(name) == value for alert in alerts)
    }
    facts = [("Labels", _labels(same))]
    threshold = _common(alerts, "threshold")
    if threshold:
        facts.insert(0, ("Threshold", threshold))
    return Entry(
        title=one_line(f"{first.name} ({_state(alerts)}): {len(alerts)} alerts", TITLE_LENGTH),
        paragraphs=_paragraphs(alerts, _explained(first)),
        facts=_kept(facts),
        links=_links(first),
        rows=_rows(shown, same, now),
    )


def _rows(alerts: Sequence[Alert], same: Mapping[str, str], now: float) -> tuple[Row, ...]:
    summaries = [alert.annotations.get("summary", "") for alert in alerts]
    # A summary says what an alert is about, unless all say the same.
    telling = all(summaries) and len(set(summaries)) == len(summaries)
    with_value = any(alert.annotations.get("value") for alert in alerts)
    rows = []
    for alert, said in zip(alerts, summaries, strict=True):
        own = _told({name: value for name, value in alert.labels.items() if name not in same})
        facts = [("Value", alert.annotations.get("value", ""))] if with_value else []
        facts += _times(alert, now)[:1]
        facts += [("Fired for", _fired_for(alert))] if alert.status == "resolved" else []
        rows.append(
            Row(
                _row_text(said if telling else "", own) or one_line(said or alert.name, FACT_LENGTH),
                tuple((name, one_line(value, FACT_LENGTH) or "-") for name, value in facts),
            )
        )
    return tuple(rows)


def _row_text(said: str, own: str) -> str:
    """Put the labels that an alert has of its own behind what it says: that need not name them."""
    said, own = one_line(said, FACT_LENGTH), one_line(own, FACT_LENGTH)
    return f"{said} ({own})" if said and own else said or own


def _state(alerts: Sequence[Alert]) -> str:
    severities = dict.fromkeys(alert.labels.get("severity") or "no severity" for alert in alerts)
    return ", ".join([*severities, alerts[0].status])


def _measured(alert: Alert) -> list[tuple[str, str]]:
    value, threshold = alert.annotations.get("value", ""), alert.annotations.get("threshold", "")
    if value and threshold:
        return [("Value", f"{value} (threshold {threshold})")]
    return [("Value", value), ("Threshold", threshold)]


def _times(alert: Alert, now: float) -> list[tuple[str, str]]:
    times = [("Since", readable(alert.starts_at))]
    if alert.status == "resolved":
        until = "" if alert.ends_at is None else readable(alert.ends_at)
        return [*times, ("Until", until), ("Fired for", _fired_for(alert))]
    so_far = now - alert.starts_at.timestamp()
    return [*times, ("Firing for", lasting(so_far))] if so_far >= _MINUTE else times


def _fired_for(alert: Alert) -> str:
    if alert.ends_at is None or alert.ends_at < alert.starts_at:
        return ""
    return lasting((alert.ends_at - alert.starts_at).total_seconds())


def _explained(alert: Alert) -> tuple[str, ...]:
    # When it is over, there is nothing left to recommend.
    return ("description",) if alert.status == "resolved" else ("description", "recommendation")


def _paragraphs(alerts: Sequence[Alert], keys: Iterable[str]) -> tuple[str, ...]:
    texts = (paragraphs(_common(alerts, key), TEXT_LENGTH) for key in keys)
    return tuple(text for text in texts if text)


def _common(alerts: Sequence[Alert], annotation: str) -> str:
    """Return what an annotation says of every alert alike, or nothing."""
    said = alerts[0].annotations.get(annotation, "")
    return said if all(alert.annotations.get(annotation, "") == said for alert in alerts) else ""


def _labels(labels: Mapping[str, str]) -> str:
    return _told({name: value for name, value in labels.items() if name not in _NAMED_ELSEWHERE})


def _told(labels: Mapping[str, str]) -> str:
    return ", ".join([f"{name}={value}" for name, value in labels.items()][:_SHOWN_LABELS])


def _links(alert: Alert) -> Pairs:
    candidates = (
        ("Runbook", alert.annotations.get("runbook_url", "")),
        ("Dashboard", alert.annotations.get("dashboard_url", "")),
        ("Query", alert.generator_url),
    )
    # Anything but http(s) is no link that a mail program or Slack should follow.
    return tuple((name, url) for name, url in candidates if _LINK.fullmatch(url))


def _kept(facts: Iterable[tuple[str, str]]) -> Pairs:
    return tuple((name, one_line(value, FACT_LENGTH)) for name, value in facts if value)
