from typing import Any

import pytest

from recwatch_bridge.messages.compose import compose, summary, worst_severity
from recwatch_bridge.messages.notification import Graph, Notification

STARTED = 1_795_230_900.123  # 2026-11-21 03:15:00.123 UTC
NOW = STARTED + 12_000


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
    assert compose(group, group.alerts, now=NOW).subject == subject


def test_subject_of_different_alerts_begins_with_the_gravest(webhook: Any, alert: Any) -> None:
    group = webhook(alert("A"), alert("B", fingerprint="f2", labels={"severity": "critical"}))
    said = compose(group, group.alerts, now=NOW)
    assert said.subject == "[CRITICAL] B and 1 more alert"
    assert [entry.title for entry in said.entries] == ["B (critical, firing)", "A (warning, firing)"]


def test_missing_severity_is_a_warning(webhook: Any, alert: Any) -> None:
    group = webhook(alert(labels={"severity": ""}), alert(fingerprint="f2", labels={"severity": "info"}))
    assert worst_severity(group.alerts) == "warning"


def test_it_survives_the_outbox(webhook: Any, alert: Any) -> None:
    group = webhook(*(alert(fingerprint=f"f{number}", labels={"check": f"{number}"}) for number in range(5)))
    said = compose(group, group.alerts, now=NOW)
    assert said.entries[0].rows
    assert said.graph
    assert Notification.from_json(said.to_json()) == said


def test_a_message_of_an_earlier_version_is_read() -> None:
    entry = '{"title":"t","paragraphs":["p"],"facts":[["a","b"]],"links":[]}'
    said = Notification.from_json(f'{{"subject":"s","tone":"info","entries":[{entry}],"notes":[]}}')
    assert (said.entries[0].facts, said.entries[0].rows, said.graph) == ((("a", "b"),), (), None)


def test_many_alerts_of_one_name_become_a_table(webhook: Any, alert: Any) -> None:
    group = webhook(*(alert(fingerprint=f"f{number}", labels={"check": f"c{number}"}) for number in range(4)))
    [entry] = compose(group, group.alerts, now=NOW).entries
    assert entry.title == "DriftDetected (warning, firing): 4 alerts"
    assert [row.text for row in entry.rows] == ["check=c0", "check=c1", "check=c2", "check=c3"]


def test_a_large_group_is_cut(webhook: Any, alert: Any) -> None:
    group = webhook(*(alert(fingerprint=f"f{number}") for number in range(55)), truncated=7)
    said = compose(group, group.alerts, now=NOW)
    assert len(said.entries[0].rows) == 50
    assert said.notes == (
        "5 more alerts are not shown here.",
        "Alertmanager left out 7 alerts of this group (max_alerts).",
    )


def test_many_names_are_cut_too(webhook: Any, alert: Any) -> None:
    group = webhook(*(alert(f"A{number}", fingerprint=f"f{number}") for number in range(45)))
    said = compose(group, group.alerts, now=NOW)
    assert len(said.entries) == 20
    assert said.notes == ("25 more alerts are not shown here.",)


def test_a_reminder_says_so(webhook: Any, alert: Any) -> None:
    group = webhook(alert())
    said = compose(group, group.alerts, now=NOW, reminder=True)
    assert said.subject == "[WARNING] DriftDetected: rating_scale has drifted"
    assert said.notes == ("Told before, still firing.",)


def test_what_its_picture_shows(webhook: Any, alert: Any) -> None:
    group = webhook(alert("A"), alert("B", fingerprint="f2", labels={"severity": "critical"}))
    assert compose(group, group.alerts, now=NOW).graph == Graph(
        "B", STARTED, ({"alertname": "B", "severity": "critical", "model": "als", "action": "retrain"},)
    )
    over = webhook(alert(status="resolved"))
    assert compose(over, over.alerts, now=NOW).graph is None


def test_summary_is_one_plain_line(webhook: Any, alert: Any) -> None:
    group = webhook(alert(annotations={"summary": "$(reboot)\n; drop\x07 table"}))
    assert summary(group.alerts[0]) == "DriftDetected: $(reboot) ; drop table"
