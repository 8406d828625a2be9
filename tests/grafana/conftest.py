import json
from pathlib import Path
from typing import Any

import pytest

from recwatch_dashboards import generate


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(__file__).parents[2] / "grafana"


@pytest.fixture(scope="session")
def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its file's stem, as the JSON that Grafana reads."""
    return {Path(name).stem: json.loads(text) for name, text in generate.files().items()}


@pytest.fixture(params=sorted(generate.DASHBOARDS))
def board(request: pytest.FixtureRequest, boards: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Each dashboard in turn."""
    return boards[request.param]


@pytest.fixture
def placed(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Headings of rows, and the panels below them, those of collapsed rows too."""
    return [part for row in board["panels"] for part in (row, *row.get("panels", []))]


@pytest.fixture
def panels(placed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The panels that show something."""
    return [panel for panel in placed if panel["type"] != "row"]


@pytest.fixture
def targets(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the panels ask Prometheus."""
    return [
        target
        for panel in panels
        for target in panel["targets"]
        if target["datasource"]["type"] == "prometheus"
    ]
