"""A report about a real Prometheus whose numbers can be worked out."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recwatch.report.asking import ask
from recwatch.report.building import build
from recwatch.report.document import Report
from recwatch.report.errors import ReportError
from recwatch.report.page import page
from recwatch.report.period import period_until
from recwatch.report.prometheus import Prometheus
from recwatch.report.questions import QUESTIONS
from recwatch.report.series import Answers
from recwatch.report.summary import text

DEGRADED = "is worse than its baseline by more than is tolerated; no alert fires of it"


@pytest.fixture(scope="module")
def told(day: str, end: float) -> Answers:
    return ask(Prometheus(day), period_until(end, timedelta(days=1)))


@pytest.fixture(scope="module")
def report(told: Answers, end: float) -> Report:
    return build(told, period_until(end, timedelta(days=1)), source="Prometheus")


def rows(report: Report, section: str, table: int = 0) -> list[list[str]]:
    """What a table says, with the notes after a bar."""
    [found] = [one for one in report.sections if one.name == section]
    return [[f"{cell.text} | {cell.note}".strip(" |") for cell in row] for row in found.tables[table].rows]


def test_prometheus_answers_every_question_with_something(told: Answers) -> None:
    assert told.failed == {}
    assert [name for name, found in told.now.items() if not found] == ["dead_letters"]
    asked_twice = {question.name for question in QUESTIONS if question.kind == "both"}
    # No training had failed in the day before.
    assert {name for name in asked_twice if not told.before[name]} == {"failed", "failed_first"}


def test_objectives(report: Report) -> None:
    often, mostly = "availability | 99.5 % of the requests", "latency | 99 % of the requests"
    assert rows(report, "slo") == [
        ["als", "shop", often, "missed", "0.56 %", "-12 % | ▼ 102 points worse"],
        ["two_tower", "media", often, "low", "0.4 %", "20 % | ▼ 40 points worse"],
        ["als", "shop", mostly, "kept", "0.45 %", "55 % | ▼ 25 points worse"],
        ["bpr", "shop", often, "kept", "0.015 %", "97 % | ▼ 3 points"],
    ]


def test_traffic_and_latency(report: Report) -> None:
    # als: (1.92/s * 1.1 + 0.08/s * 1.5) * 86,400 s
    assert rows(report, "traffic") == [
        ["two_tower", "media", "95,040 | ▲ 10 %", "100 ms", "500 ms", "900 ms"],
        ["als", "shop", "192,845 | ▲ 12 %", "50 ms", "250 ms", "500 ms"],
        ["bpr", "shop", "47,520 | ▲ 10 %", "50 ms", "250 ms", "500 ms"],
    ]


def test_errors_and_fallbacks(report: Report) -> None:
    assert rows(report, "errors")[0] == [
        "als",
        "shop",
        "10,368 | TimeoutError 10,368",
        "5.38 % | ▲ 34 % worse",
        "8.96 % | ▼ 10 % better",
    ]
    assert [row[2] for row in rows(report, "errors")] == ["10,368 | TimeoutError 10,368", "0", "0"]


def test_drift(report: Report) -> None:
    enough, less = "52,110 | of 310,000", "less is drift"
    few, very_few = "400 | of 310,000, 1,000 needed", "40 | of 310,000, 1,000 needed"
    none = "0 of 24"
    assert rows(report, "drift") == [
        ["rating_scale | ks: rating", "als", "drift", "0.199", "0.1", "0.006", enough, "15 of 24"],
        ["popularity | spearman: item_id", "bpr", "too few rows", "0.91", f"0.8 | {less}", "0.62", few, none],
        ["embeddings | embedding: vector", "als", "no drift", "0.97", f"0.9 | {less}", "-", enough, none],
        ["late | psi: rating", "als", "not run yet", "-", "0.2", "-", "-", none],
        # The rows of a freshness check are no evidence: one is what it always has.
        ["model_age | freshness: rating", "als", "no drift", "16 min 25 s", "7 d", "-", "1", none],
        ["ratings | ks: rating", "als", "too few rows", "-", "0.1", "-", very_few, none],
    ]
    assert dict(report.facts)["Checks with drift"].text == "1 of 6"


def test_quality_clicks_and_arms(report: Report) -> None:
    assert rows(report, "quality", 0) == [
        ["als", "shop", "ndcg@10", "degraded", "0.19 | ▼ 10 %", "0.21 | now ▼ 10 %", "12,500"],
        ["bpr", "shop", "ndcg@10", "good", "0.184 | ▲ 2 %", "0.18 | now ▲ 2 %", "12,500"],
    ]
    assert rows(report, "quality", 1)[:2] == [
        ["als", "shop", "a", "3 %", "864,000", "25,920"],
        ["als", "shop", "b", "3.3 %", "864,000", "28,512"],
    ]
    assert rows(report, "quality", 2)[1] == [
        "als · b",
        "shop",
        "ndcg@10",
        "0.205",
        "0.015 | 0.004 to 0.026",
        "0.008",
        "6,250",
    ]


def test_trainings_are_counted_from_the_times_they_left(report: Report) -> None:
    assert rows(report, "training", 0) == [
        [
            "als",
            "2 | ▲ 100 %",
            "1",
            "2 min 11 s | ▲ 42 %",
            "2 min 11 s",
            "8 h 24 min ago | 2026-11-15 22:36 UTC",
        ],
        ["bpr", "1", "0", "44 s", "44 s", "16 h 48 min ago | 2026-11-15 14:12 UTC"],
    ]
    assert rows(report, "training", 1)[0] == ["als", "ndcg@10 | test", "0.212 | ▲ 12 %", "0.12", "▲ 77 %"]


def test_alerts_that_fired(report: Report) -> None:
    # An alert whose end no rule has written lasts up to five minutes longer: Prometheus looks back so far.
    assert rows(report, "alerts") == [
        ["AvailabilityBudgetBurn | shop · als · availability", "critical", "resolved", "once", "1 h 13 min"],
        ["DriftDetected | drift-exporter · als · rating_scale", "warning", "fires now", "once", "14 h 9 min"],
        ["ErrorBudgetSpent | shop · als · availability", "warning", "fires now", "once", "7 h 41 min"],
        ["RecommenderLatencyHigh | shop · als", "warning", "resolved", "once", "1 h 57 min | ▼ 21 %"],
        ["PipelineFailed | loader · nightly", "info", "resolved", "once", "1 h 9 min"],
    ]


def test_retraining_and_versions(report: Report) -> None:
    assert rows(report, "retraining", 0) == [
        ["als | by alert", "2", "1", "0", "1", "0", "2 min", "1", "0"],
        ["bpr | by alert", "1", "1", "0", "0", "0", "2 min", "1", "1"],
    ]
    assert rows(report, "retraining", 1) == [
        ["als", "v4_20261113_204800", "2026-11-15 22:35 UTC", "1"],
        ["bpr", "v7_20261020_031500", "2026-11-16 02:10 UTC", "2"],
        ["two_tower", "2026-09", "the whole period", "0"],
    ]


def test_what_needs_attention(report: Report) -> None:
    assert [(item.tone, item.text) for item in report.items] == [
        ("critical", "media is down: Prometheus does not reach it"),
        ("warning", "DriftDetected fires: drift-exporter · als · rating_scale"),
        ("warning", "ErrorBudgetSpent fires: shop · als · availability"),
        ("warning", "als: 1 training failed"),
        ("info", "two_tower on media: 20 % of the error budget for availability is left"),
        ("info", f"als on shop: ndcg@10 {DEGRADED}"),
    ]
    assert {item.section for item in report.items} <= {section.name for section in report.sections}


def test_some_models_alone(day: str, end: float) -> None:
    period = period_until(end, timedelta(days=1))
    report = build(ask(Prometheus(day), period, models=["bpr"]), period, source="Prometheus", models=["bpr"])
    assert [row[0] for row in rows(report, "traffic")] == ["bpr"]
    assert [row[0] for row in rows(report, "drift")] == ["popularity | spearman: item_id"]
    # What is about no model stays.
    assert [row[0] for row in rows(report, "alerts")] == ["PipelineFailed | loader · nightly"]


def test_a_model_that_prometheus_does_not_know(day: str, end: float) -> None:
    period = period_until(end, timedelta(days=1))
    message = "no series of model 'nope' in this time: name one of als, bpr, two_tower$"
    with pytest.raises(ReportError, match=message):
        ask(Prometheus(day), period, models=["als", "nope"])


def test_points_are_few_and_in_the_period(told: Answers, end: float) -> None:
    longest: Any = max((one for found in told.now.values() for one in found), key=lambda one: len(one.times))
    assert len(longest.times) == 288
    assert (longest.times[0], longest.times[-1]) == (end - 86_400 + 300, end)


def test_an_empty_prometheus_says_why_each_section_is_empty(day: str, end: float) -> None:
    period = period_until(end - 10 * 86_400, timedelta(days=1))
    report = build(ask(Prometheus(day), period), period, source="Prometheus")
    assert [(item.tone, item.text.split(",")[0]) for item in report.items] == [
        ("critical", "Watchdog"),
        ("warning", "nothing was measured in this time: no request"),
    ]
    assert text(report).count("attention") == 1  # no all-clear
    assert [section.name for section in report.sections if section.tables] == []
    remarks = {section.name: section.remarks[0] for section in report.sections}
    assert remarks["slo"].startswith("Not measured: no service_model:slo_budget:left30d.")
    assert remarks["alerts"].startswith(
        "No alert fired in this time: 1 day. Nor does Watchdog, which always fires"
    )
    beginnings = ("Not measured", "Nothing to tell", "No alert fired")
    assert [text for text in remarks.values() if not text.startswith(beginnings)] == []


def test_odd_values_leave_the_rest_whole(
    run_prometheus: Callable[..., AbstractContextManager[Any]], tools: Any, scenes: Any, tmp_path: Path
) -> None:
    scene = scenes.Scene(86_400.0)
    millis = scenes.END * 1_000
    scene.add("training_last_success_timestamp_seconds", scenes.steady(millis), model="als", service="t")
    for metric, number in (("mse", 1e308), ("gain", -1e308)):
        scene.add("model_quality", scenes.switch(0.5, 0.0, number), model="als", service="s", metric=metric)
    scene.add("ALERTS", scenes.steady(1.0), alertname="Slow", alertstate="firing", severity="warning")
    # That of other rules says nothing of ours.
    scene.add("ALERTS", scenes.steady(1.0), alertname="Watchdog", alertstate="firing", severity="none")
    scene.write(tmp_path, tools.promtool)
    period = period_until(scenes.END, timedelta(days=1))
    with run_prometheus(tmp_path, []) as prometheus:
        report = build(ask(Prometheus(prometheus.url), period), period, source="Prometheus")
    assert report.gaps == 0
    assert [row[-1] for row in rows(report, "training")] == [
        "in the future | no date: 1.79e+12 UTC: it is to be seconds since the epoch"
    ]
    assert [row[4] for row in rows(report, "quality")] == ["-1e+308", "1e+308"]
    assert [item.text.split(",")[0] for item in report.items] == ["Watchdog", "Slow fires"]
    assert "nan" not in "".join(re.findall(r' d="([^"]*)"', page(report)))
