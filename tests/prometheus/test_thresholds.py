"""Thresholds are series: each that an alert asks for is there, and is asked for under that alert's name."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools

_ASKED = re.compile(r'alert(?:_model)?:threshold:used\{alert="(\w+)"')
_OF_A_MODEL = re.compile(r'alert_model:threshold:used\{alert="(\w+)"')
_EXAMPLE = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.fixture
def defaults(rules: list[dict[str, Any]]) -> dict[str, float]:
    found = [rule for rule in rules if rule.get("record") == "alert:threshold:default"]
    return {
        rule["labels"]["alert"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in found
    }


def test_what_an_alert_asks_for_is_there_and_nothing_else(
    rules: list[dict[str, Any]], defaults: dict[str, float]
) -> None:
    asked = {name for rule in rules for name in _ASKED.findall(rule["expr"])}

    assert asked
    assert asked == defaults.keys()
    assert len([rule for rule in rules if rule.get("record") == "alert:threshold:default"]) == len(defaults)


def test_an_alert_asks_for_its_own_threshold_and_tells_it(alerts: list[dict[str, Any]]) -> None:
    for alert in alerts:
        asked = set(_ASKED.findall(alert["expr"]))
        told = set(_ASKED.findall(alert["annotations"]["description"]))
        assert asked <= {alert["alert"]}, alert["alert"]
        assert told == asked, alert["alert"]


def test_the_pack_says_which_alerts_ask_by_model(rules: list[dict[str, Any]]) -> None:
    """By that label a model's own value is used or told of."""
    labels = [rule["labels"] for rule in rules if rule.get("record") == "alert:threshold:default"]
    by_model = {of["alert"] for of in labels if of.get("by") == "model"}

    assert by_model == set(_OF_A_MODEL.findall("".join(rule["expr"] for rule in rules)))


def test_a_share_of_the_pack_is_one(rules: list[dict[str, Any]], defaults: dict[str, float]) -> None:
    labels = [rule["labels"] for rule in rules if rule.get("record") == "alert:threshold:default"]
    shares = {of["alert"] for of in labels if of.get("unit") == "share"}

    assert {"AvailabilityBudgetBurn", "LatencyBudgetBurn"} <= shares
    assert all(0 <= defaults[alert] < 1 for alert in shares)


def test_the_users_example_is_valid_and_names_alerts(
    folder: Path, tools: Tools, alerts: list[dict[str, Any]], tmp_path: Path
) -> None:
    (example,) = _EXAMPLE.findall((folder / "thresholds" / "README.md").read_text(encoding="utf-8"))
    own = tmp_path / "own.yml"
    own.write_text(example, encoding="utf-8")
    answer = subprocess.run([tools.promtool, "check", "rules", own], capture_output=True, check=False)

    assert answer.returncode == 0, answer.stderr
    rules = yaml.safe_load(example)["groups"][0]["rules"]
    assert {rule["record"] for rule in rules} == {"alert_model:threshold:own"}
    assert {rule["labels"]["alert"] for rule in rules} <= {alert["alert"] for alert in alerts}


def test_prometheus_reads_the_users_folder(folder: Path, tools: Tools, tmp_path: Path) -> None:
    config = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    assert config["rule_files"] == ["rules/*.yml", "thresholds/*.yml"]

    shutil.copy(folder / "prometheus.yml", tmp_path)
    shutil.copytree(folder / "rules", tmp_path / "rules")
    (tmp_path / "thresholds").mkdir()
    (tmp_path / "thresholds" / "own.yml").write_text("groups: [{name: x, rules: [{expr: 1}]}]")
    answer = subprocess.run(
        [tools.promtool, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=False
    )

    assert answer.returncode != 0
    assert b"own.yml" in answer.stderr + answer.stdout
