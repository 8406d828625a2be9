import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recwatch_dashboards import generate


@pytest.fixture(scope="session")
def folder() -> Path:
    return Path(__file__).parents[2] / "grafana"


@pytest.fixture(params=sorted(generate.DASHBOARDS))
def board(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each dashboard in turn, as the JSON that Grafana reads."""
    document: dict[str, Any] = json.loads(generate.render(generate.DASHBOARDS[request.param]))
    return document


@pytest.fixture
def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something; headings of rows left out."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.fixture
def targets(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def all_targets() -> Iterator[dict[str, Any]]:
        for panel in panels:
            yield from panel["targets"]

    return list(all_targets())
