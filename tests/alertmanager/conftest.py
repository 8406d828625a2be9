from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools, find_tools

ROOT = Path(__file__).parents[2]


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
