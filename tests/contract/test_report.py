"""What the report asks Prometheus for exists, and Prometheus understands it."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch.report.period import period_until
from recwatch.report.questions import ABOUT, HELD_BACK_BY, QUESTIONS, Question
from recwatch.report.sections.drift import LESS_IS_DRIFT, TIMES
from recwatch.report.sections.firing import DOWN_ALERTS, HELD_BACK, HeldBack
from recwatch.report.sections.slo import ENOUGH
from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.table import TYPES
from recwatch_rules.tree import parse, selectors

BUILT_IN = {"up", "ALERTS"}
SUFFIXES = ("", "_bucket", "_sum", "_count")
PERIOD = period_until(1_794_812_400.0, timedelta(days=7))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_whatever_the_report_asks_for_exists(question: Question, documented: dict[str, Any]) -> None:
    known = BUILT_IN | {f"{name}{suffix}" for name in documented for suffix in SUFFIXES}
    names = {str(one.name) for one in selectors(parse(question.query(PERIOD)))}
    assert names
    assert names - known == set()


def test_the_alerts_that_say_what_is_down_exist(root: Path) -> None:
    rules = yaml.safe_load((root / "prometheus" / "rules" / "stack.yml").read_text(encoding="utf-8"))
    found = {
        rule["alert"]
        for group in rules["groups"]
        for rule in group["rules"]
        if "(up{" in rule.get("expr", "")
    }
    assert found == DOWN_ALERTS


def test_an_alert_explains_what_alertmanager_holds_back(root: Path) -> None:
    config = yaml.safe_load((root / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    rules = tuple(
        HeldBack(tuple(rule["source_matchers"]), tuple(rule["target_matchers"]), tuple(rule.get("equal", ())))
        for rule in config["inhibit_rules"]
    )
    assert rules == HELD_BACK
    # A label that the report does not ask for would look as if no alert had it.
    asked = {"alertname", "severity", "service", "model", *ABOUT, *HELD_BACK_BY}
    matchers = [matcher for rule in HELD_BACK for matcher in (*rule.source, *rule.target)]
    named = {re.split("[=!]", matcher)[0] for matcher in matchers}
    assert named | {label for rule in HELD_BACK for label in rule.equal} <= asked


def test_so_many_requests_are_what_the_alert_asks_for(root: Path) -> None:
    rules = yaml.safe_load((root / "prometheus" / "rules" / "slo.yml").read_text(encoding="utf-8"))
    [spent] = [rule for rule in rules["groups"][0]["rules"] if rule["alert"] == "ErrorBudgetSpent"]
    assert f"service_model:slo_requests:increase3d >= {ENOUGH}" in spent["expr"]


def test_types_of_checks_are_read_as_the_exporter_means_them() -> None:
    assert {name for name, one in TYPES.items() if one.bad is Direction.LOW} == LESS_IS_DRIFT
    assert {name for name, one in TYPES.items() if one.seconds} == TIMES


def test_the_page_names_what_it_reads(root: Path) -> None:
    page = (root / "docs" / "report.md").read_text(encoding="utf-8")
    for name in ("service_model:slo_budget:left30d", "recommender_requests_total", "model_quality"):
        assert f"`{name}`" in page
        assert any(name in question.template for question in QUESTIONS)
