"""Asks amtool where each alert goes, with the labels that Prometheus really gives it."""

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools

EMAIL, BOTH, RETRAIN, ROLLBACK, WATCHDOG = "email", "email-and-slack", "retrain", "rollback", "watchdog"
NOBODY = "nobody"
TOLD = {"critical": BOTH, "warning": BOTH, "info": EMAIL}
"""Who hears of an alert, by its severity."""
STARTED = {"retrain": RETRAIN, "rollback": ROLLBACK}
"""What is started besides, by the alert's action, where a model is named."""
EXCEPTIONS = {"Watchdog": [WATCHDOG]}
"""Alerts that go elsewhere than their labels say."""

Route = Callable[[Mapping[str, str]], list[str]]


def expected(labels: Mapping[str, str]) -> list[str]:
    """The receivers of an alert by the three tables above."""
    if labels["alertname"] in EXCEPTIONS:
        return EXCEPTIONS[labels["alertname"]]
    action = labels.get("action", "")
    started = [STARTED[action]] if action and labels.get("model") else []
    return [*started, TOLD[labels["severity"]]]


@pytest.fixture
def route(folder: Path, tools: Tools) -> Route:
    return _asks(folder / "alertmanager.yml", tools)


def _asks(file: Path, tools: Tools) -> Route:
    def ask(labels: Mapping[str, str]) -> list[str]:
        argv = [str(tools.amtool), "config", "routes", "test", f"--config.file={file}"]
        argv += [f"{name}={json.dumps(value)}" for name, value in labels.items()]
        answer = subprocess.run(argv, capture_output=True, text=True, check=True)
        return answer.stdout.strip().split(",")

    return ask


def test_every_alert_has_a_promtool_test_that_shows_its_labels(
    samples: list[dict[str, str]], alert_names: set[str]
) -> None:
    assert {labels["alertname"] for labels in samples} == alert_names


def test_every_alert_goes_where_its_severity_and_action_say(
    samples: list[dict[str, str]], route: Route
) -> None:
    seen = {tuple(expected(labels)) for labels in samples}

    assert {(BOTH,), (EMAIL,), (WATCHDOG,), (RETRAIN, EMAIL), (ROLLBACK, BOTH)} <= seen
    # What routes go by: alerts that are alike in it are asked about once.
    alike = {
        (labels["alertname"], labels["severity"], labels.get("action", ""), bool(labels.get("model"))): labels
        for labels in samples
    }
    for labels in alike.values():
        assert route(labels) == expected(labels), labels


@pytest.mark.parametrize(
    ("severity", "receivers"),
    [("info", [EMAIL]), ("warning", [BOTH]), ("critical", [BOTH]), ("unheard-of", [EMAIL])],
)
def test_an_alert_of_somebody_else_is_told_too(severity: str, receivers: list[str], route: Route) -> None:
    assert route({"alertname": "Theirs", "severity": severity}) == receivers


@pytest.mark.parametrize(
    "labels",
    [
        {"alertname": "InfoInhibitor", "severity": "none", "namespace": "shop"},
        {"alertname": "Watchdog", "severity": "none"},
        {"alertname": "Watchdog", "severity": "none", "service": "another"},
    ],
)
def test_what_other_rules_fire_for_nobody_is_told_to_nobody(labels: dict[str, str], route: Route) -> None:
    """kube-prometheus has both; the bridge would take a foreign Watchdog for ours."""
    assert route(labels) == [NOBODY]


@pytest.mark.parametrize(("action", "receiver"), [("retrain", RETRAIN), ("rollback", ROLLBACK)])
def test_an_action_does_not_replace_telling(action: str, receiver: str, route: Route) -> None:
    labels = {"alertname": "Theirs", "severity": "critical", "action": action, "model": "als"}

    assert route(labels) == [receiver, BOTH]


@pytest.mark.parametrize("action", ["retrain", "rollback"])
def test_an_action_without_a_model_starts_nothing(action: str, route: Route) -> None:
    assert route({"alertname": "Theirs", "severity": "info", "action": action}) == [EMAIL]


def test_the_route_of_the_docs_for_what_is_not_ours(
    folder: Path, config: dict[str, Any], tools: Tools, tmp_path: Path
) -> None:
    text = (folder.parent / "docs" / "operator.md").read_text(encoding="utf-8")
    [added] = [
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
        if block.startswith("- receiver: nobody")
    ]
    routes = [*added, *config["route"]["routes"]]
    file = tmp_path / "alertmanager.yml"
    file.write_text(
        yaml.safe_dump({**config, "route": {**config["route"], "routes": routes}}), encoding="utf-8"
    )
    route = _asks(file, tools)
    down = {"alertname": "TargetDown", "severity": "warning", "scope": "service", "job": "any"}

    assert route({**down, "service": "kube-apiserver"}) == [NOBODY]
    assert route({**down, "service": "shop"}) == [BOTH]
    assert route({**down, "service": "kube-apiserver", "alertname": "Theirs"}) == [BOTH]
