from pathlib import Path

import pytest
import yaml

from recwatch_bridge.messages.promql import Graphed, graphed

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("query", "expression", "threshold"),
    [
        ("drift_statistic > 0.2", "drift_statistic", 0.2),
        ("up == 0", "up", 0.0),
        ("free_bytes < -1.5e9", "free_bytes", -1.5e9),
        ("a > .5  # too much\n", "a", 0.5),
        ("(a / b) >= 2", "(a / b)", 2.0),
        ("(a > 2)", "a", 2.0),
        ("a > 2 and b >= 0.1", "a", 2.0),
        ("(a > 2) and on (x) (b > 1)", "a", 2.0),
        ("a > 2 unless b", "a", 2.0),
        ("a > 2 AND b > 1", "a", 2.0),
        ("a > 2 or b > 1", "a > 2 or b > 1", None),
        ("a > 2 and b or a and c and d", "a", 2.0),
        ("a > 2 or a and c or b", "a > 2 or a and c or b", None),
        ('a > 2 unless b or -max by (x) (ALERTS{alertname="A"} and on (x) b)', "a", 2.0),
        (
            "-max by (x) (ALERTS) or -max by (x) (ALERTS)",
            "-max by (x) (ALERTS) or -max by (x) (ALERTS)",
            None,
        ),
        ("a > 2 or -max by (x) (b)", "a > 2 or -max by (x) (b)", None),
        ("a > bool 2", "a > bool 2", None),
        ("a == b", "a == b", None),
        ("time() - a > 300", "time() - a", 300.0),
        ("sum by (and) (a)", "sum by (and) (a)", None),
        ('rate(a{x="1 > 2 or #"}[5m]) > 1', 'rate(a{x="1 > 2 or #"}[5m])', 1.0),
        ('a{x=~".+"}', 'a{x=~".+"}', None),
        ("(a) + (b)", "(a) + (b)", None),
        ("and_so_on > 1", "and_so_on", 1.0),
        ("a > 1 > 0.5", "a > 1", 0.5),
        ("", "", None),
        ("((", "((", None),
    ],
)
def test_condition_is_taken_off(query: str, expression: str, threshold: float | None) -> None:
    assert graphed(query) == Graphed(expression, threshold)


@pytest.mark.parametrize(
    ("query", "against"),
    [
        ("a > b", "b"),
        ("a > 2 * b", "2 * b"),
        ("a < on (x) b", "b"),
        ("a >= on (model) group_left () (b or on (model) c) and d > 1", "(b or on (model) c)"),
        ("a <= ignoring (x) group_right b", "b"),
        ("a > scalar(b)", "scalar(b)"),
    ],
)
def test_what_is_no_number_is_asked_for(query: str, against: str) -> None:
    assert graphed(query) == Graphed("a", None, against)


@pytest.mark.parametrize(
    ("alert", "expression"),
    [
        ("RecommenderLatencyHigh", "service_model:recommender_request_duration_seconds:mean5m"),
        ("RecommenderErrorRateHigh", "service_model:recommender_errors:ratio_rate5m"),
        ("HttpErrorRateHigh", "service_route:http_errors:ratio_rate5m"),
    ],
)
def test_of_our_own_rules(alert: str, expression: str) -> None:
    """Also of those that go on while something holds them back."""
    rules = yaml.safe_load((ROOT / "prometheus" / "rules" / "service.yml").read_text(encoding="utf-8"))
    found = {
        rule["alert"]: graphed(rule["expr"])
        for group in rules["groups"]
        for rule in group["rules"]
        if "type" not in rule["labels"]
    }
    assert found[alert].expression == expression
    assert found[alert].threshold is None
    assert found[alert].against is not None
    assert f'threshold:used{{alert="{alert}"}}' in str(found[alert].against)
