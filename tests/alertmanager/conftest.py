from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from recwatch.testing import wait_until
from recwatch_local.tools import Tools, find_tools

ROOT = Path(__file__).parents[2]

Labels = dict[str, str]
Fire = Callable[[list[Labels]], list[Labels]]
Run = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="session")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="session")
def folder() -> Path:
    return ROOT / "alertmanager"


@pytest.fixture(scope="session")
def config(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((folder / "alertmanager.yml").read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="session")
def samples() -> list[dict[str, str]]:
    """Alerts as Prometheus sends them: every distinct label set that the promtool tests expect."""
    files = sorted((ROOT / "prometheus" / "tests").glob("*.yml"))
    found = [
        {"alertname": case["alertname"], **expected["exp_labels"]}
        for file in files
        for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
        for case in test.get("alert_rule_test", [])
        for expected in case.get("exp_alerts") or []
    ]
    return [labels for position, labels in enumerate(found) if labels not in found[:position]]


@pytest.fixture(scope="session")
def alert_names() -> set[str]:
    files = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    return {
        rule["alert"]
        for file in files
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


@pytest.fixture(scope="session")
def run_shipped(
    run_alertmanager: Run, config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """Runs an Alertmanager with the shipped inhibition rules, which tells one receiver at once."""

    def run(receiver: dict[str, Any], **route: Any) -> AbstractContextManager[Any]:
        settings = {
            "route": {"receiver": receiver["name"], "group_wait": "100ms", **route},
            "inhibit_rules": config["inhibit_rules"],
            "receivers": [receiver],
        }
        return run_alertmanager(tmp_path_factory.mktemp("alertmanager"), settings)

    return run


@pytest.fixture(scope="module")
def inhibiting_url(run_shipped: Run) -> Iterator[str]:
    """An Alertmanager with the shipped inhibition rules, and nobody to tell."""
    with run_shipped({"name": "nobody"}, group_by=["..."]) as program:
        yield program.url


@pytest.fixture
def held_back(inhibiting_url: str, request: pytest.FixtureRequest) -> Iterator[Fire]:
    """Fire alerts; which of them are held back. The alerts of a test are over with it."""
    case = request.node.name
    sent: list[Labels] = []

    def send(alerts: list[Labels], **more: str) -> None:
        body = [{"labels": labels, **more} for labels in alerts]
        requests.post(f"{inhibiting_url}/api/v2/alerts", json=body, timeout=10).raise_for_status()

    def states() -> list[tuple[Labels, bool]]:
        answer = requests.get(
            f"{inhibiting_url}/api/v2/alerts", params={"filter": f'case="{case}"'}, timeout=10
        )
        return [(found["labels"], found["status"]["state"] == "suppressed") for found in answer.json()]

    def fire(alerts: list[Labels]) -> list[Labels]:
        # Alertmanager takes them one after the other: what the last one holds back says that all are known.
        last = {"alertname": "DriftCheckSilent", "severity": "warning"}
        last |= {"service": "last", "model": "als", "check": "last"}
        given = [*alerts, last, {**last, "alertname": "DriftCheckFailing"}]
        given = [{**labels, "case": case} for labels in given]
        sent.extend(given)
        send(given)
        wait_until(lambda: ({**last, "case": case}, True) in states(), timeout=30)
        found = states()
        assert len(found) == len(given)
        return [
            {name: value for name, value in labels.items() if name != "case"}
            for labels, suppressed in found
            if suppressed and labels.get("check") != "last"
        ]

    yield fire
    send(sent, endsAt="2026-01-01T00:00:00Z", startsAt="2025-01-01T00:00:00Z")
    wait_until(lambda: not states(), timeout=30)


@pytest.fixture
def suppressed(held_back: Fire) -> Callable[[list[Labels]], set[str]]:
    """The names of what is held back."""
    return lambda alerts: {labels["alertname"] for labels in held_back(alerts)}
