"""docs/slo.md says of objectives and burn rates what the rules say."""

import re
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

_BURNS = ("AvailabilityBudgetBurn", "LatencyBudgetBurn")
_ROW = re.compile(r"^\| ([\d.]+) \| (.+?) \| (.+?) \| .+ \| ([\d,]+) .*\| (\w+) \|$", re.MULTILINE)
_SECONDS = {"min": 60, "h": 3600, "day": 86400, "days": 86400}


@pytest.fixture
def page(folder: Path) -> str:
    return (folder.parent / "docs" / "slo.md").read_text(encoding="utf-8")


def _window(text: str) -> float:
    """Seconds of a window, as the page writes it or as a label has it."""
    number, _, unit = text.partition(" ")
    return int(number) * _SECONDS[unit] if unit else promql_parser.parse_duration(text).total_seconds()


@pytest.mark.parametrize("name", _BURNS)
def test_the_burn_rates_are_those_of_the_rules(name: str, page: str, alerts: list[dict[str, Any]]) -> None:
    told = {
        (float(burn), _window(long), _window(short), int(requests.replace(",", "")), severity)
        for burn, long, short, requests, severity in _ROW.findall(page)
    }
    rules = [alert for alert in alerts if alert["alert"] == name]

    assert len(rules) == 4
    for rule in rules:
        labels, expr = rule["labels"], rule["expr"]
        (requests,) = re.findall(r"slo_requests:increase(\w+) >= (\d+)", expr)
        assert requests[0] == labels["long"]
        assert re.findall(r"> ([\d.]+)$", expr, re.MULTILINE) == [labels["burn"]] * 2
        assert re.findall(r"slo_errors:ratio_rate(\w+)\{", expr) == [labels["long"], labels["short"]]
        row = (float(labels["burn"]), _window(labels["long"]), _window(labels["short"]))
        assert (*row, int(requests[1]), labels["severity"]) in told
    assert len(told) == len(rules)


def test_the_packs_objectives_are_told(page: str, rules: list[dict[str, Any]]) -> None:
    thresholds = {
        rule["labels"]["alert"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in rules
        if rule.get("record") == "alert:threshold:default"
    }
    told = {
        name: float(value) / 100
        for name, value in re.findall(r"^\| (\w+) \| .+ \| ([\d.]+) % \|", page, re.MULTILINE)
    }

    assert told == {
        "availability": pytest.approx(thresholds["AvailabilityBudgetBurn"]),
        "latency": pytest.approx(thresholds["LatencyBudgetBurn"]),
    }


def test_the_example_names_objectives(page: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    rules = yaml.safe_load(example)["groups"][0]["rules"]

    assert {rule["record"] for rule in rules} == {"alert_model:threshold:own"}
    assert {rule["labels"]["alert"] for rule in rules} == set(_BURNS)


def test_its_queries_read_what_is_recorded(page: str, rules: list[dict[str, Any]]) -> None:
    recorded = {rule.get("record") for rule in rules}
    queries = re.findall(r"```promql\n(.*?)```", page, re.DOTALL)

    assert len(queries) == 2
    for query in queries:
        promql_parser.parse(query)
        assert set(re.findall(r"\w+:\w+:\w+", query)) <= recorded
