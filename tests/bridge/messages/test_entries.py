from typing import Any

import pytest

from recwatch_bridge.messages.entries import entry, table

STARTED = 1_795_230_900.123  # 2026-11-21 03:15:00.123 UTC
NOW = STARTED + 12_000


def test_an_alert_in_full(webhook: Any, alert: Any) -> None:
    told = {
        "description": "Ratings have moved.\nHalf stars are new.",
        "recommendation": "Retrain",
        "value": "3.2",
        "threshold": "0.2",
        "runbook_url": "https://example.com/runbooks/DriftDetected.md",
        "dashboard_url": "javascript:alert(1)",
    }
    said = entry(webhook(alert(annotations=told)).alerts[0], NOW)
    assert said.title == "DriftDetected (warning, firing)"
    assert said.paragraphs == (
        "rating_scale has drifted",
        "Ratings have moved.\nHalf stars are new.",
        "Retrain",
    )
    assert said.facts == (
        ("Value", "3.2 (threshold 0.2)"),
        ("Since", "2026-11-21 03:15:00 UTC"),
        ("Firing for", "3 h 20 min"),
        ("Labels", "model=als, action=retrain"),
    )
    assert said.links == (
        ("Runbook", "https://example.com/runbooks/DriftDetected.md"),
        ("Query", "http://prometheus.example/graph?g0.expr=drift"),
    )


def test_what_is_over_says_how_long_it_was(webhook: Any, alert: Any) -> None:
    said = entry(webhook(alert(status="resolved", annotations={"recommendation": "Retrain"})).alerts[0], NOW)
    assert said.paragraphs == ("rating_scale has drifted",)
    assert said.facts[:3] == (
        ("Since", "2026-11-21 03:15:00 UTC"),
        ("Until", "2026-11-21 04:00:00 UTC"),
        ("Fired for", "44 min"),
    )


def test_a_clock_that_is_behind_says_nothing_of_how_long(webhook: Any, alert: Any) -> None:
    assert "Firing for" not in dict(entry(webhook(alert()).alerts[0], STARTED - 100).facts)


def test_a_table_says_once_what_all_have_in_common(webhook: Any, alert: Any) -> None:
    links = {"runbook_url": "https://example.com/r", "threshold": "0.2", "description": "The windows differ."}
    group = webhook(
        *(
            alert(
                fingerprint=f"f{number}",
                labels={"check": f"c{number}"},
                annotations={**links, "summary": f"c{number} has drifted", "value": f"0.{number}"},
            )
            for number in range(1, 6)
        )
    )
    said = table(group.alerts, group.alerts[:2], NOW)
    assert said.title == "DriftDetected (warning, firing): 5 alerts"
    assert said.paragraphs == ("The windows differ.",)
    assert said.facts == (("Threshold", "0.2"), ("Labels", "model=als, action=retrain"))
    assert said.links[0] == ("Runbook", "https://example.com/r")
    assert [row.text for row in said.rows] == ["c1 has drifted (check=c1)", "c2 has drifted (check=c2)"]
    assert said.rows[0].facts == (("Value", "0.1"), ("Since", "2026-11-21 03:15:00 UTC"))


def test_rows_have_the_same_facts(webhook: Any, alert: Any) -> None:
    group = webhook(
        alert(status="resolved", annotations={"value": "1"}), alert(status="resolved", fingerprint="f2")
    )
    first, second = table(group.alerts, group.alerts, NOW).rows
    assert first.facts[0] == ("Value", "1")
    assert second.facts == (("Value", "-"), ("Since", "2026-11-21 03:15:00 UTC"), ("Fired for", "44 min"))


@pytest.mark.parametrize(
    ("summaries", "texts"),
    [
        (["p95 is 900 ms", "p95 is 800 ms"], ["p95 is 900 ms (instance=a)", "p95 is 800 ms (instance=b)"]),
        (["slow", "slow"], ["instance=a", "instance=b"]),
        (["slow", ""], ["instance=a", "instance=b"]),
        (["x" * 500, "short"], [f"{'x' * 199}… (instance=a)", "short (instance=b)"]),
    ],
)
def test_a_row_says_what_tells_its_alert_apart(
    webhook: Any, alert: Any, summaries: list[str], texts: list[str]
) -> None:
    alerts = [
        alert(fingerprint=name, labels={"instance": name}, annotations={"summary": said})
        for name, said in zip("ab", summaries, strict=True)
    ]
    group = webhook(*alerts)
    assert [row.text for row in table(group.alerts, group.alerts, NOW).rows] == texts


def test_a_row_says_its_severity_where_that_differs(webhook: Any, alert: Any) -> None:
    alerts = [
        alert(
            fingerprint=severity, labels={"severity": severity}, annotations={"summary": f"it is {severity}"}
        )
        for severity in ("critical", "warning")
    ]
    first, second = table(webhook(*alerts).alerts, webhook(*alerts).alerts, NOW).rows
    assert (first.text, second.text) == (
        "it is critical (severity=critical)",
        "it is warning (severity=warning)",
    )
