"""What needs attention, and how loudly it is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from recwatch.report.period import period_until
from recwatch.report.sections import attention, slo
from recwatch.report.series import Answers

PERIOD = period_until(1_794_812_400.0, timedelta(days=7))
Build = Callable[..., Answers]
Told = Callable[..., list[tuple[str, str]]]
SHOP = {"service": "shop", "model": "als"}
MISSED = "the latency objective is missed, no error budget is left"
DEGRADED = "is worse than its baseline by more than is tolerated; no alert fires of it"
WATCHED = {"watchdog": [({}, 1.0)], "requests": [(SHOP, 10.0)]}


@pytest.fixture
def told(answers: Build) -> Told:
    """Tells what needs attention where an alert always fires and somebody asked for recommendations."""

    def items(**given: Any) -> list[tuple[str, str]]:
        found = attention.items(answers({**WATCHED, **given}), PERIOD)
        return [(item.tone, item.text) for item in found]

    return items


def alert(name: str, severity: str = "warning", **labels: str) -> tuple[dict[str, str], float]:
    return {"alertname": name, "severity": severity, **SHOP, **labels}, 1.0


def test_all_is_well_only_where_alerts_could_fire_and_something_was_measured(told: Told) -> None:
    assert told() == []
    [(tone, text)] = told(watchdog=[])
    assert tone == "critical"
    assert text.startswith("Watchdog, an alert that always fires, does not: Prometheus has not the rules")
    assert told(requests=[]) == [
        ("warning", "nothing was measured in this time: no request, drift check, quality metric or training")
    ]


def test_what_prometheus_did_not_answer_is_a_hole_and_no_silence() -> None:
    failed = dict.fromkeys(("watchdog", "requests"), "it took too long")
    assert attention.items(Answers(failed=failed), PERIOD) == ()


def test_an_alert_says_what_it_is_about(told: Told) -> None:
    labels = {"service": "pipelines", "pipeline": "nightly"}
    failed = ({"alertname": "PipelineFailed", "severity": "info", **labels}, 1.0)
    assert told(firing=[failed, alert("HttpErrorRateHigh", route="/recommend"), alert("Own", "none")]) == [
        ("warning", "HttpErrorRateHigh fires: shop · als · /recommend"),
        ("info", "Own fires: shop · als"),
        ("info", "PipelineFailed fires: pipelines · nightly"),
    ]


def test_a_service_that_is_down_is_left_to_the_alert_that_says_so(told: Told) -> None:
    down = [({"job": "recommender", "service": "shop"}, 0.0)]
    assert told(down=down, firing=[({"alertname": "RecommenderDown", "service": "shop"}, 1.0)]) == [
        ("info", "RecommenderDown fires: shop")
    ]
    assert told(down=down, firing=[alert("ClickThroughRateDown")]) == [
        ("critical", "shop is down: Prometheus does not reach it"),
        ("warning", "ClickThroughRateDown fires: shop · als"),
    ]


def test_symptoms_are_told_with_their_likely_reason(told: Told) -> None:
    errors = {"symptom": "errors"}
    page = alert("AvailabilityBudgetBurn", "critical", slo="availability", **errors)
    firing = [
        page,
        alert("AvailabilityBudgetBurn", slo="availability", **errors),
        alert("RecommenderErrorRateHigh", "critical", **errors),
        alert("RecommenderLatencyHigh", symptom="latency"),
        alert("RecommenderErrorRateHigh", "critical", **errors | {"model": "bpr"}),
    ]
    reason = "likely for that reason: AvailabilityBudgetBurn, RecommenderErrorRateHigh"
    assert told(firing=firing) == [
        ("critical", f"AvailabilityBudgetBurn fires: shop · als · availability; {reason}"),
        ("critical", "RecommenderErrorRateHigh fires: shop · bpr"),
        ("warning", "RecommenderLatencyHigh fires: shop · als"),
    ]
    about = {"alertname": "RecommenderDown", "severity": "critical", "service": "shop"}
    down = (about | {"scope": "service"}, 1.0)
    names = "AvailabilityBudgetBurn, RecommenderErrorRateHigh, RecommenderLatencyHigh"
    assert told(firing=[*firing, down]) == [
        ("critical", f"RecommenderDown fires: shop; likely for that reason: {names}")
    ]
    # One instance of several is not the service, nor is whatever other rules mean by it.
    for one in ({"instance": "shop:1"}, {}):
        assert len(told(firing=[*firing, (about | {"alertname": "TargetDown"} | one, 1.0)])) == 4


def test_errors_on_routes_are_told_with_those_of_recommendations(told: Told) -> None:
    route = (
        {"alertname": "HttpErrorRateHigh", "severity": "critical", "service": "shop", "route": "/rec"},
        1.0,
    )
    page = alert("AvailabilityBudgetBurn", "critical", slo="availability", symptom="errors")
    plain = alert("RecommenderErrorRateHigh", "critical", symptom="errors")
    assert told(firing=[route, plain]) == [
        ("critical", "RecommenderErrorRateHigh fires: shop · als; likely for that reason: HttpErrorRateHigh")
    ]
    names = "HttpErrorRateHigh, RecommenderErrorRateHigh"
    assert told(firing=[route, plain, page]) == [
        (
            "critical",
            f"AvailabilityBudgetBurn fires: shop · als · availability; likely for that reason: {names}",
        )
    ]
    few = alert("RecommenderErrorRateHigh", "critical", symptom="errors", type="slow")
    assert len(told(firing=[route, few])) == 2


def test_what_starts_something_or_may_be_the_reason_is_told_beside_an_outage(told: Told) -> None:
    down = alert("RecommenderDown", "critical", scope="service", model="")
    rollback = alert("RecommenderErrorsAfterPromotion", "critical", symptom="errors", action="rollback")
    disk = alert("DiskFilling", "warning", model="")
    assert len(told(firing=[down, rollback, disk])) == 3


def test_an_exporter_that_is_down_is_no_reason_for_what_it_found(told: Told) -> None:
    about = {"service": "drift-exporter", "model": ""}
    down = alert("DriftExporterDown", scope="service", **about)
    found = alert("DataBroken", check="ratings", **about)
    failing = alert("DriftCheckFailing", check="clicks", **about)
    assert told(firing=[down, found, failing]) == [
        ("warning", "DataBroken fires: drift-exporter · ratings"),
        ("warning", "DriftExporterDown fires: drift-exporter; likely for that reason: DriftCheckFailing"),
    ]


@pytest.mark.parametrize(
    ("left", "requests", "expected"),
    [
        (
            -0.5,
            5_000.0,
            [("warning", f"als on shop: {MISSED}")],
        ),
        (-0.5, 4_999.0, [("info", f"als on shop: {MISSED} (fewer than 5,000 requests in 3 days)")]),
        (0.2, 9_000.0, [("info", "als on shop: 20 % of the error budget for latency is left")]),
        (0.25, 9_000.0, []),
    ],
)
def test_a_budget_is_told_no_louder_than_its_alert(
    told: Told, left: float, requests: float, expected: list[tuple[str, str]]
) -> None:
    key = SHOP | {"slo": "latency"}
    given = {"budget": [(key, left)], "slo_requests": [(key, requests)]}
    assert told(**given) == expected
    alerted = told(**given, firing=[alert("ErrorBudgetSpent", slo="latency")])
    assert alerted == [("warning", "ErrorBudgetSpent fires: shop · als · latency")]


def test_an_objective_that_is_no_share_is_told_and_one_switched_off_is_not(
    answers: Build, told: Told
) -> None:
    off, wrong = SHOP | {"slo": "availability"}, SHOP | {"slo": "latency"}
    given = {
        "objective": [(off, float("inf")), (wrong, 99.5)],
        "budget": [(off, 1.0)],  # what is left of an infinite one
    }
    text = "als on shop: the latency objective of 99.5 is no share between 0 and 1, so nobody watches it"
    assert told(**given) == [("warning", text)]
    [table] = slo.build(answers(given), PERIOD).tables
    assert [[cell.text for cell in row[2:]] for row in table.rows] == [
        ["latency", "makes no sense", "-", "-"],
        ["availability", "switched off", "-", "-"],
    ]
    assert table.rows[0][2].note == "99.5 is no share between 0 and 1"
    facts = dict(attention.facts(answers(given), PERIOD))
    assert facts["Least budget left"].text == "-"


def test_a_budget_spent_often_says_how_often(answers: Build) -> None:
    key = SHOP | {"slo": "latency"}
    given = answers({"budget": [(key, -302.59)]}, {"budget": [(key, 0.4)]})
    assert slo.build(given, PERIOD).tables[0].rows[0][-1].text == "spent 304 times"
    assert dict(attention.facts(given, PERIOD))["Least budget left"].text == "spent 304 times"


def test_what_an_alert_tells_is_told_once_and_what_none_tells_is_no_warning(told: Told) -> None:
    check = {"service": "drift-exporter", "check": "ratings"}
    given = {
        "quality_degraded": [(SHOP | {"metric": "ndcg@10"}, 1.0)],
        "effect_size": [(check, 0.3)],
        "threshold": [(check, 0.1)],
        "detected": [(check, 1.0)],
    }
    alerts = [alert("ModelQualityDegraded", metric="ndcg@10"), alert("DataBroken", **check)]
    assert told(**given, firing=alerts) == [
        ("warning", "DataBroken fires: drift-exporter · als · ratings"),
        ("warning", "ModelQualityDegraded fires: shop · als · ndcg@10"),
    ]
    # That a check fails says nothing of what it found.
    assert told(**given, firing=[alert("DriftCheckFailing", **check)]) == [
        ("warning", "DriftCheckFailing fires: drift-exporter · als · ratings"),
        ("info", f"als on shop: ndcg@10 {DEGRADED}"),
        ("info", "ratings has drifted; no alert fires of it"),
    ]
