"""The Python of docs/serving.md runs as it stands there."""

import re
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY

from recwatch_local.paths import ROOT

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def blocks() -> list[str]:
    return _BLOCK.findall((ROOT / "docs/serving.md").read_text(encoding="utf-8"))


def run(code: str, **names: object) -> dict[str, Any]:
    there: dict[str, Any] = dict(names)
    exec(code, there)  # noqa: S102 - our own page
    return there


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"model": "als", **labels}) or 0


def test_the_quickstart_takes_less_than_twenty_lines_and_counts(blocks: list[str]) -> None:
    assert len([line for line in blocks[0].splitlines() if line]) < 20
    model = SimpleNamespace(recommend=lambda user, _: [4, 5] if user == 1 else [])
    there = run(blocks[0], model=model, popular=lambda count: list(range(count)))
    before = value("recommender_fallbacks_total", variant="default", method="popularity")
    assert [there["recommend"](1), there["recommend"](2)] == [[4, 5], [0, 1, 2]]
    assert value("recommender_fallbacks_total", variant="default", method="popularity") == before + 1
    assert value("recommender_model_info", version="v2_20250116_141500") == 1
    there["metrics"].model_loaded("v3", there["datetime"](2025, 1, 17, tzinfo=there["UTC"]))


def test_a_fastapi_service_is_watched(blocks: list[str]) -> None:
    async def recommend(user: int) -> list[int]:
        return [user, user + 1]

    there = run(blocks[1], model=SimpleNamespace(recommend=recommend))
    with TestClient(there["app"]) as client:
        answer = client.get("/recommend/7", headers={"X-Request-ID": "from-the-docs"})
        page = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
    assert answer.json() == [7, 8]
    assert answer.headers["X-Request-ID"] == "from-the-docs"
    assert 'http_requests_total{method="GET",route="/recommend/{user_id}",status="200"}' in page
    (line,) = [
        line
        for line in page.splitlines()
        if line.startswith("recommender_request_") and "from-the-docs" in line
    ]
    assert '# {request_id="from-the-docs"}' in line


def test_a_request_reaches_scores_log_and_database(
    blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = run(blocks[2])
    assert there["recorder"].close(30)
    request = there["request"]
    assert request.content_score == pytest.approx(0.4)
    assert request.diversity == pytest.approx(0.4)
    assert request.semantic_alignment == 0.5
    log = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert "| INFO | Request | user_id=7, topk=2, latency=0." in log
    with sqlite3.connect(tmp_path / "requests.db") as connection:
        rows = connection.execute("SELECT user_id, content_score, diversity FROM requests").fetchall()
    connection.close()
    assert rows == [("7", request.content_score, request.diversity)]


def test_scores_are_as_the_page_says(blocks: list[str]) -> None:
    vectors = np.array([[1.0, 0.0]])
    service = SimpleNamespace(model=SimpleNamespace(vectors=lambda _: vectors))
    run(blocks[3], service=service)


def test_arms_are_counted_apart(blocks: list[str]) -> None:
    there = run(blocks[4])
    arms = ("control", "treatment")
    before = [value("recommender_impressions_total", variant=arm) for arm in arms]
    for user in (1, 2, 3):
        there["recommend"](user)
    after = [value("recommender_impressions_total", variant=arm) for arm in arms]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 4]
