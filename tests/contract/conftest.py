import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from recwatch_dashboards.queries import without_variables
from recwatch_rules.tree import metrics, parse, selectors

ROOT = Path(__file__).parents[2]
_TEMPLATED = re.compile(
    r"(?<![\w:])(?:[a-z_]+:)?(?:http|recwatch|recommender|training|model|drift|bridge)_[a-z_]+(?::\w+)?\b"
)
_PARTS = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """A PromQL expression and where it stands; Grafana's variables are replaced by something that parses."""

    place: str
    expr: str


@dataclass(frozen=True)
class Variable:
    """What a person can choose on a dashboard: the values of a label of the selected series."""

    board: str
    name: str
    selector: str
    label: str


@dataclass(frozen=True)
class Row:
    """A row of docs/metrics.md."""

    metric: str
    type: str
    labels: tuple[str, ...]
    readers: frozenset[str]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def rules() -> list[dict[str, Any]]:
    files = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
    return [
        rule
        for file in files
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


@pytest.fixture(scope="session")
def alerts(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [rule for rule in rules if "alert" in rule]


@pytest.fixture(scope="session")
def recorded(rules: list[dict[str, Any]]) -> set[str]:
    return {rule["record"] for rule in rules if "record" in rule}


@pytest.fixture(scope="session")
def boards() -> dict[str, dict[str, Any]]:
    files = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="session")
def rule_queries(rules: list[dict[str, Any]]) -> list[Query]:
    return [Query(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules]


@pytest.fixture(scope="session")
def board_queries(boards: dict[str, dict[str, Any]], board_variables: list[Variable]) -> list[Query]:
    """What panels, variables and annotations ask Prometheus; a panel may ask something else as well."""
    found = []
    for name, board in boards.items():
        asked = [
            (panel["title"], target["expr"])
            for row in board["panels"]
            for panel in (row, *row.get("panels", []))
            for target in panel.get("targets", [])
            if target["datasource"]["type"] == "prometheus"
        ]
        asked += [(mark["name"], mark["expr"]) for mark in board["annotations"]["list"]]
        asked += [
            (variable.name, variable.selector) for variable in board_variables if variable.board == name
        ]
        found += [Query(f"{name}: {title}", without_variables(expr)) for title, expr in asked]
    return found


@pytest.fixture(scope="session")
def board_variables(boards: dict[str, dict[str, Any]]) -> list[Variable]:
    found = []
    for name, board in boards.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                inner = variable["query"].removeprefix("label_values(").removesuffix(")")
                selector, _, label = inner.rpartition(",")
                found.append(
                    Variable(name, f"${variable['name']}", without_variables(selector), label.strip())
                )
    return found


@pytest.fixture(scope="session")
def templated(alerts: list[dict[str, Any]]) -> set[str]:
    """Metrics that the annotations of alerts ask for while they are written."""
    return {
        name
        for alert in alerts
        for text in alert["annotations"].values()
        for part in _PARTS.findall(text)
        for name in _TEMPLATED.findall(part)
    }


@pytest.fixture(scope="session")
def read_by_rules(rule_queries: list[Query], templated: set[str]) -> set[str]:
    return _names(rule_queries) | templated


@pytest.fixture(scope="session")
def read_by_board(board_queries: list[Query]) -> dict[str, set[str]]:
    places = {query.place.partition(":")[0] for query in board_queries}
    return {
        place: _names([query for query in board_queries if query.place.startswith(f"{place}:")])
        for place in places
    }


def _names(queries: list[Query]) -> set[str]:
    return {
        name for query in queries for selector in selectors(parse(query.expr)) for name in metrics(selector)
    }


@pytest.fixture(scope="session")
def documented() -> dict[str, Row]:
    """The tables of docs/metrics.md."""
    rows: dict[str, Row] = {}
    for line in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        kind = cells[1] if len(cells) == 6 else "recorded"
        metric = cells[0].strip("`")
        labels = tuple(label for label in cells[-3].split(", ") if label != "\N{EN DASH}")
        assert metric not in rows, f"{metric} is documented twice"
        rows[metric] = Row(metric, kind, labels, frozenset(cells[-1].split(", ")))
    return rows


@pytest.fixture(scope="session")
def modules() -> dict[str, list[tuple[Path, ast.Module]]]:
    """Every module of each import package."""
    packages = {
        "recwatch": ROOT / "instrumentation" / "recwatch",
        "recwatch_exporter": ROOT / "exporter" / "recwatch_exporter",
        "recwatch_bridge": ROOT / "alertmanager" / "recwatch_bridge",
        "recwatch_dashboards": ROOT / "grafana" / "recwatch_dashboards",
        "recommender": ROOT / "examples" / "recommender",
    }
    return {
        name: [
            (file, ast.parse(file.read_text(encoding="utf-8"), file)) for file in sorted(folder.rglob("*.py"))
        ]
        for name, folder in packages.items()
    }
