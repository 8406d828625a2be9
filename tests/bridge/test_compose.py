from typing import Any

import pytest

from recwatch_bridge.compose import compose, summary, worst_severity
from recwatch_bridge.notification import Notification


@pytest.mark.parametrize(
    ("severities", "subject"),
    [
        (["critical"], "[CRITICAL] DriftDetected: rating_scale has drifted"),
        (["info"], "[INFO] DriftDetected: rating_scale has drifted"),
        (["page"], "[WARNING] DriftDetected: rating_scale has drifted"),
        (["info", "critical"], "[CRITICAL] DriftDetected: 2 alerts"),
    ],
)
def test_subject_names_the_gravest_severity(
    webhook: Any, alert: Any, severities: list[str], subject: str
) -> None:
    group = webhook(
        *(
            alert(fingerprint=f"f{number}", labels={"severity": said})
            for number, said in enumerate(severities)
        )
    )
    assert compose(group, group.alerts).subject == subject


def test_subject_of_different_alerts(webhook: Any, alert: Any) -> None:
    group = webhook(alert("A"), alert("B", fingerprint="f2"))
    assert compose(group, group.alerts).subject == "[WARNING] A and 1 more alert"


def test_missing_severity_is_a_warning(webhook: Any, alert: Any) -> None:
    group = webhook(alert(labels={"severity": ""}), alert(fingerprint="f2", labels={"severity": "info"}))
    assert worst_severity(group.alerts) == "warning"


def test_what_a_message_tells(webhook: Any, alert: Any) -> None:
    told = {
        "description": "Ratings have moved.\nHalf stars are new.",
        "value": "3.2",
        "threshold": "0.2",
        "runbook_url": "https://example.com/runbooks/DriftDetected.md",
        "dashboard_url": "javascript:alert(1)",
    }
    group = webhook(alert(annotations=told), truncated=7)
    said = compose(group, group.alerts)
    [entry] = said.entries
    assert entry.title == "DriftDetected (warning, firing)"
    assert entry.paragraphs == ("rating_scale has drifted", "Ratings have moved.\nHalf stars are new.")
    assert entry.facts == (
        ("Value", "3.2"),
        ("Threshold", "0.2"),
        ("Since", "2026-11-21 03:15:00 UTC"),
        ("Labels", "model=als"),
    )
    assert entry.links == (
        ("Runbook", "https://example.com/runbooks/DriftDetected.md"),
        ("Query", "http://prometheus.example/graph?g0.expr=drift"),
    )
    assert said.notes == ("Alertmanager left out 7 alerts of this group (max_alerts).",)
    assert Notification.from_json(said.to_json()) == said


def test_resolved_says_until_when(webhook: Any, alert: Any) -> None:
    group = webhook(alert(status="resolved"))
    said = compose(group, group.alerts)
    assert said.subject == "[RESOLVED] DriftDetected: rating_scale has drifted"
    assert ("Until", "2026-11-21 04:00:00 UTC") in said.entries[0].facts


def test_a_large_group_is_cut(webhook: Any, alert: Any) -> None:
    group = webhook(*(alert(fingerprint=f"f{number}") for number in range(45)))
    said = compose(group, group.alerts)
    assert len(said.entries) == 40
    assert said.notes == ("5 more alerts are not shown here.",)


def test_summary_is_one_plain_line(webhook: Any, alert: Any) -> None:
    group = webhook(alert(annotations={"summary": "$(reboot)\n; drop\x00 table"}))
    assert summary(group.alerts[0]) == "DriftDetected: $(reboot) ; drop table"
