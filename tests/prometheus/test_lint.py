"""The pack has none of the faults that the lints know, and each lint finds its own."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from recwatch_rules.known import Known, Metric, read_intervals, read_page
from recwatch_rules.lint import check

RECORDED = "service_model:errors:ratio_rate5m"
SELDOM = "model:age_seconds:max_every20m"


@pytest.fixture
def known() -> Known:
    """A world of few metrics."""
    return Known(
        {
            "requests_total": Metric("counter", frozenset({"model", "outcome"})),
            "duration_seconds": Metric("histogram", frozenset({"model"})),
            "age_seconds": Metric("gauge", frozenset({"model", "check"})),
            RECORDED: Metric("recorded", frozenset({"service", "model"})),
            SELDOM: Metric("recorded", frozenset({"model"})),
        },
        intervals={RECORDED: timedelta(minutes=4), SELDOM: timedelta(minutes=20)},
    )


def faults(known: Known, expr: str, **rule: Any) -> list[str]:
    """What is found in one rule."""
    return list(check([{"name": "test", "rules": [{"record": "rule", "expr": expr, **rule}]}], known))


def alert_faults(known: Known, expr: str, **labels: str) -> list[str]:
    """What is found in one alert."""
    return list(
        check([{"name": "test", "rules": [{"alert": "Rule", "expr": expr, "labels": labels}]}], known)
    )


def test_the_pack_has_no_fault(folder: Path, groups: list[dict[str, Any]]) -> None:
    page = (folder.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    settings = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))["global"]
    scrape, usual = (
        promql_parser.parse_duration(settings[f"{what}_interval"]) for what in ("scrape", "evaluation")
    )

    found = list(check(groups, Known(read_page(page), scrape, read_intervals(groups, usual))))

    assert "\n".join(found) == ""


def test_the_pack_is_known(folder: Path, groups: list[dict[str, Any]]) -> None:
    page = read_page((folder.parent / "docs" / "metrics.md").read_text(encoding="utf-8"))

    assert page["recommender_requests_total"] == Metric("counter", frozenset({"model", "variant", "outcome"}))
    assert page["bridge_dead_letters"].type == "gauge"
    assert page["service_model:recommender_requests:rate1h"] == Metric(
        "recorded", frozenset({"service", "model"})
    )
    assert page["drift_exporter_config_last_reload_successful"].labels == frozenset()
    intervals = read_intervals(groups, timedelta(seconds=30))
    assert intervals["service_model:slo_errors:ratio_rate3d"] == timedelta(minutes=4)
    assert intervals["service_model:recommender_errors:ratio_rate5m"] == timedelta(seconds=30)


@pytest.mark.parametrize("call", ["rate", "irate", "increase"])
@pytest.mark.parametrize(
    "of", ["age_seconds[5m]", f"{RECORDED}[10m]", "unheard_of[5m]", "(age_seconds + 1)[1h:5m]"]
)
def test_a_rate_over_a_gauge_is_found(known: Known, call: str, of: str) -> None:
    (fault,) = faults(known, f"sum({call}({of}))")

    assert fault.startswith(f"rule: {call}() of ")
    assert fault.endswith("which is no counter")


@pytest.mark.parametrize(
    "of",
    [
        "requests_total[5m]",
        "duration_seconds_bucket[5m]",
        "duration_seconds_count[5m]",
        "others_total[1h:5m]",
    ],
)
def test_a_rate_over_a_counter_is_none(known: Known, of: str) -> None:
    assert faults(known, f"rate({of} offset 1d)") == []
    assert faults(known, "max_over_time(age_seconds[5m])") == []


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("rate(requests_total[29s])", "rule: requests_total[29s] is less than twice its interval 15s"),
        (f"avg_over_time({RECORDED}[7m])", f"rule: {RECORDED}[7m] is less than twice its interval 4m"),
        ("max_over_time(age_seconds[5m:3m])", "rule: a range of 5m is less than twice its step 3m"),
    ],
)
def test_a_range_that_may_hold_one_value_is_found(known: Known, expr: str, fault: str) -> None:
    assert faults(known, expr) == [fault]


@pytest.mark.parametrize(
    "expr",
    ["rate(requests_total[30s])", f"avg_over_time({RECORDED}[8m])", "max_over_time(age_seconds[6m:3m])"],
)
def test_a_range_of_two_values_is_none(known: Known, expr: str) -> None:
    assert faults(known, expr) == []


@pytest.mark.parametrize(
    "expr", [SELDOM, f"sum by (model) ({SELDOM} offset 1h)", f"max_over_time({SELDOM}[1h:10m])"]
)
def test_a_value_that_a_query_may_miss_is_found(known: Known, expr: str) -> None:
    assert faults(known, expr) == [f"rule: {SELDOM} comes every 20m, of which only a range can be read"]


@pytest.mark.parametrize("expr", [RECORDED, f"max_over_time({SELDOM}[40m])"])
def test_a_value_that_no_query_misses_is_none(known: Known, expr: str) -> None:
    assert faults(known, expr) == []


@pytest.mark.parametrize(
    "divisor",
    [
        "age_seconds",
        "(age_seconds)",
        "(age_seconds >= 0)",
        "(age_seconds > -1)",
        "(age_seconds > bool 0)",
        "(age_seconds < 5)",
        "0",
        "scalar(vector(1))",
        "sum without () (age_seconds != 0)",
        "sum without () (age_seconds)",
        "((age_seconds > 0) or age_seconds)",
        "((age_seconds > 0) * age_seconds)",
        "((age_seconds > 0) - 1)",
        "clamp_min(age_seconds, 0)",
        "(age_seconds and age_seconds > 0)",
    ],
)
@pytest.mark.parametrize("operator", ["/", "%"])
def test_an_unguarded_division_is_found(known: Known, operator: str, divisor: str) -> None:
    (fault,) = faults(known, f"age_seconds {operator} {divisor}")

    assert fault.startswith("rule: divided by ")


@pytest.mark.parametrize(
    "divisor",
    [
        "60",
        "(age_seconds > 0)",
        "(age_seconds >= 0.1)",
        "(age_seconds != 0)",
        "(3 * age_seconds > 5)",
        "sum without () (age_seconds > 0)",
        "count without () (age_seconds)",
        "((age_seconds > 0) or (age_seconds != 0))",
        "((age_seconds > 0) and age_seconds)",
        "(2 * (age_seconds > 0))",
        "clamp_min(age_seconds, 1)",
    ],
)
def test_a_guarded_division_is_none(known: Known, divisor: str) -> None:
    assert faults(known, f"age_seconds / {divisor}") == []


@pytest.mark.parametrize(
    ("expr", "lost"),
    [
        ("sum(rate(requests_total[5m])) > 1", "model, service"),
        ("sum by (service) (rate(requests_total[5m])) > 1", "model"),
        ("sum by (model) (rate(requests_total[5m])) > 1", "service"),
        ("max without (check) (age_seconds) > 1", "check"),
        ("sum by (model) (unheard_of) > 1", "service"),
        (f"{RECORDED} / on (service) (sum by (service) ({RECORDED}) > 0) > 1", "model"),
        (f"({RECORDED} > 1) or sum by (service) ({RECORDED}) > 2", "model"),
        ("time() - max by (service, model) (age_seconds) > 1", "check"),
        ("histogram_quantile(0.9, sum by (service, le) (rate(duration_seconds_bucket[5m]))) > 1", "model"),
        ("absent(age_seconds)", "service"),
        ("vector(1)", "service"),
        ("1 > bool 0", "service"),
    ],
)
def test_an_alert_that_loses_labels_is_found(known: Known, expr: str, lost: str) -> None:
    assert alert_faults(known, expr) == [f"Rule: the alert loses {lost}"]


@pytest.mark.parametrize(
    "expr",
    [
        f"{RECORDED} > 1",
        "max by (service, model, check) (age_seconds) > 1",
        "max without (instance) (age_seconds) > 1",
        "topk by (service) (1, age_seconds) > 1",
        "max by (service, model) (age_seconds{check='data'}) > 1",
        "up == 0",
        f"{RECORDED} > on (model) group_left () max by (model) (age_seconds)",
        f"sum by (model) (age_seconds) < on (model) group_right () {RECORDED}",
        f"{RECORDED} > 1 unless on (service) sum by (service) ({RECORDED})",
        f"label_replace(sum by (service) ({RECORDED}), 'model', 'als', '', '') > 1",
    ],
)
def test_an_alert_that_keeps_its_labels_is_none(known: Known, expr: str) -> None:
    assert alert_faults(known, expr) == []


def test_a_label_that_the_rule_sets_is_not_lost(known: Known) -> None:
    assert alert_faults(known, "vector(1)", service="prometheus") == []
    assert alert_faults(known, "sum by (model) (rate(requests_total[5m])) > 1", service="shop") == []


@pytest.mark.parametrize(
    "expr",
    [
        f"{RECORDED} and age_seconds",
        f"{RECORDED} * sum by (model) (age_seconds)",
        f"{RECORDED} * on (check) group_left () max by (check) (age_seconds)",
        f"{RECORDED} unless ignoring (model) sum by (model) (age_seconds)",
    ],
)
def test_two_sides_that_never_meet_are_found(known: Known, expr: str) -> None:
    (fault,) = faults(known, expr)

    assert "never finds a partner" in fault


@pytest.mark.parametrize(
    "expr",
    [
        f"{RECORDED} and max by (service, model) (age_seconds)",
        f"{RECORDED} * on (model) group_left () sum by (model) (age_seconds)",
        f"{RECORDED} unless ignoring (model) sum by (service) (age_seconds)",
        f"{RECORDED} and unheard_of",
        f"{RECORDED} and max by (service, model, check) (unheard_of)",
        f"{RECORDED} or age_seconds",
        f"{RECORDED} * scalar(age_seconds) > 3",
        "age_seconds and (up or age_seconds)",
    ],
)
def test_two_sides_that_meet_are_none(known: Known, expr: str) -> None:
    assert faults(known, expr) == []
