import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_local.tools import Tools, find_tools

PROMETHEUS = Path(__file__).parents[2] / "prometheus"


@dataclass(frozen=True)
class Case:
    """One `alert_rule_test` of a promtool file."""

    file: str
    test: str
    alertname: str
    fires: bool


@pytest.fixture(scope="session")
def tools() -> Tools:
    return find_tools()


@pytest.fixture(scope="session")
def folder() -> Path:
    return PROMETHEUS


@pytest.fixture(scope="session")
def groups() -> list[dict[str, Any]]:
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    return [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]


@pytest.fixture(scope="session")
def rules(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="session")
def alerts(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if "alert" in rule]


@pytest.fixture(scope="session")
def promtool_files() -> dict[str, dict[str, Any]]:
    files = sorted((PROMETHEUS / "tests").glob("*.yml"))
    return {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="session")
def cases(promtool_files: dict[str, dict[str, Any]]) -> list[Case]:
    return [
        Case(name, test["name"], case["alertname"], bool(case.get("exp_alerts")))
        for name, document in promtool_files.items()
        for test in document["tests"]
        for case in test.get("alert_rule_test", [])
    ]


@pytest.fixture
def placed(tmp_path: Path) -> Callable[[str], Path]:
    """The configuration as whatever starts Prometheus lays it out, with the targets of one mode."""

    def place(mode: str) -> Path:
        shutil.copy(PROMETHEUS / "prometheus.yml", tmp_path)
        shutil.copytree(PROMETHEUS / "rules", tmp_path / "rules")
        shutil.copytree(PROMETHEUS / "targets" / mode, tmp_path / "targets")
        return tmp_path / "prometheus.yml"

    return place
