"""Which alert tells of which drift, and which retrains: check types, rules, page and runbooks agree."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.table import TYPES

ROOT = Path(__file__).parents[2]
_OPEN = re.compile(r'service_check_model:drift_open:max\{type=~?"([a-z0-9_|]+)"')
_AGE = re.compile(r'drift_age_seconds:max\{feature="(\w+)"')
_ROW = re.compile(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (.*?) \|", re.MULTILINE)


def _types(alert: dict[str, Any]) -> list[str]:
    found = _OPEN.search(alert["expr"])
    return found[1].split("|") if found else []


@pytest.fixture
def told(alerts: list[dict[str, Any]]) -> dict[str, set[str]]:
    """By type of check, the alerts that tell of it."""
    found: dict[str, set[str]] = {name: set() for name in TYPES}
    for alert in alerts:
        for name in _types(alert):
            found[name].add(alert["alert"])
    return found


def test_each_type_is_told_by_one_alert(told: dict[str, set[str]]) -> None:
    assert {name for name, names in told.items() if len(names) != 1} == {"freshness"}
    assert told["freshness"] == set()


def test_the_rules_retrain_for_the_types_that_retraining_answers(alerts: list[dict[str, Any]]) -> None:
    retrained = {
        name for alert in alerts if alert["labels"].get("action") == "retrain" for name in _types(alert)
    }

    assert retrained == {name for name, kind in TYPES.items() if kind.retrain}


def test_a_type_is_retrained_for_where_a_model_is_named_and_told_where_none_is(
    alerts: list[dict[str, Any]],
) -> None:
    for name, kind in TYPES.items():
        own = [alert for alert in alerts if name in _types(alert)]
        if kind.retrain:
            asked = {'model!=""' in alert["expr"]: alert["labels"].get("action") for alert in own}
            assert asked == {True: "retrain", False: None}, name
            assert all(re.search(r'model!?=""', alert["expr"]) for alert in own), name


def _rows(page: str) -> Iterator[tuple[str, set[str]]]:
    for alert, types in _ROW.findall(page):
        yield alert, set(re.findall(r"`(\w+)`", types))


def test_the_page_says_which_alert_tells_of_which_type(
    alerts: list[dict[str, Any]], told: dict[str, set[str]]
) -> None:
    said = dict(_rows((ROOT / "docs/drift.md").read_text(encoding="utf-8")))
    ages = {alert["alert"]: found[1] for alert in alerts if (found := _AGE.search(alert["expr"]))}
    expected: dict[str, set[str]] = {name: {"freshness", feature} for name, feature in ages.items()}
    for kind, names in told.items():
        for name in names:
            expected.setdefault(name, set()).add(kind)

    assert len(ages) == 4
    assert said == expected


@pytest.mark.parametrize("name", TYPES)
def test_the_runbook_names_the_type(name: str, told: dict[str, set[str]]) -> None:
    for alert in told[name]:
        book = (ROOT / f"docs/runbooks/{alert}.md").read_text(encoding="utf-8")
        means, _, _ = book.partition("## What a user feels")
        assert f"`{name}`" in means, alert


def test_the_rules_know_where_low_is_bad(alerts: list[dict[str, Any]]) -> None:
    """The worst of several findings is the lowest there."""
    low = {name for name, kind in TYPES.items() if kind.bad is Direction.LOW}
    texts = [alert["annotations"]["description"] for alert in alerts if _types(alert)]

    assert texts
    for text in texts:
        found = re.search(r'match "\^\(([a-z0-9_|]+)\)\$" \$labels\.type', text)
        assert found is not None
        assert set(found[1].split("|")) == low


def test_only_what_needs_rows_is_held_open_for_want_of_them(
    rules: list[dict[str, Any]], told: dict[str, set[str]]
) -> None:
    (rows,) = [rule["expr"] for rule in rules if rule.get("record") == "service_check:drift_rows_missing:max"]
    current, reference = re.findall(r'drift_threshold\{type=~"([a-z_|]+)"', rows)
    (held,) = [rule["expr"] for rule in rules if rule.get("record") == "service_check_model:drift_open:max"]
    (names,) = re.findall(r'alertname=~"([\w|]+)"', held)

    for side, types in (("current", current), ("reference", reference)):
        without = {name for name, kind in TYPES.items() if side not in kind.min_rows_of}
        assert set(types.split("|")) == without, side
    assert set(names.split("|")) == {name for found in told.values() for name in found}
