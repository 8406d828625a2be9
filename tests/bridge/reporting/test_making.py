"""What the message about a report says."""

from datetime import timedelta

import pytest

from recwatch.report.document import Cell, Item, Report
from recwatch.report.errors import ReportError
from recwatch.report.prometheus import Prometheus
from recwatch.testing import PrometheusServer
from recwatch_bridge.reporting.making import attached, make, summary

END = 1_794_812_400.0


def report(*items: Item, gaps: int = 0) -> Report:
    return Report(
        title="recwatch, 7 days until 2026-11-16 07:00 UTC",
        start=END - 604_800,
        end=END,
        period="7 days",
        source="Prometheus",
        items=items,
        facts=(("Requests", Cell("2.35 M", "", "▲ 11 %")), ("Trainings", Cell("3"))),
        gaps=gaps,
    )


def test_what_needs_attention_is_a_table() -> None:
    said = summary(
        report(Item("critical", "media is down", "alerts"), Item("warning", "x has drifted", "drift")),
        has_file=True,
    )
    assert (said.subject, said.tone) == ("[REPORT] 7 days: 1 critical, 1 warning", "warning")
    attention, numbers = said.entries
    assert numbers.facts == (("Requests", "2.35 M ▲ 11 %"), ("Trainings", "3"))
    assert numbers.paragraphs == ("The whole report is attached: open it in a browser.",)
    assert [(row.text, row.facts) for row in attention.rows] == [
        ("media is down", (("Severity", "critical"),)),
        ("x has drifted", (("Severity", "warning"),)),
    ]


def test_a_calm_week() -> None:
    said = summary(report(), has_file=True)
    assert (said.tone, len(said.entries)) == ("info", 1)
    assert said.entries[0].paragraphs[0] == "Nothing needs attention."


def test_many_things_are_cut() -> None:
    said = summary(
        report(*(Item("info", f"thing {number}", "alerts") for number in range(50))), has_file=False
    )
    rows = said.entries[0].rows
    assert (len(rows), rows[-1].text) == (21, "and 30 more, in the report")


def test_hostile_names_stay_in_their_line() -> None:
    said = summary(report(Item("info", "a\r\nBcc: all\x1b[31m", "alerts")), has_file=True)
    assert said.entries[0].rows[0].text == "a Bcc: all[31m"


def test_the_file() -> None:
    file = attached(report())
    assert file.name == "recwatch-report-2026-11-16.html"
    assert b"2.35 M" in file.content


def test_no_prometheus_is_no_report() -> None:
    with PrometheusServer() as server:
        server.fail_next(503)
        with pytest.raises(ReportError, match="answered 503"):
            make(Prometheus(server.url), END, timedelta(days=7))
