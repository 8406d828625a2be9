"""The Python of docs/quality.md runs as it stands there, and the page names all that there is."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from recwatch.quality import Classification, QualityMonitor, Ranking, Regression, Suggestions, Task
from recwatch.quality.counting import REASONS
from recwatch_local.paths import ROOT

PAGE = (ROOT / "docs/quality.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(code: str) -> dict[str, Any]:
    there: dict[str, Any] = {}
    exec(code, there)  # noqa: S102 - our own page
    return there


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_quickstart_takes_less_than_twenty_lines_and_judges() -> None:
    assert len([line for line in BLOCKS[0].splitlines() if line]) < 20
    there = run(BLOCKS[0])
    with there["quality"] as quality, TestClient(there["app"]) as client:
        for number in range(60):
            asked = client.post("/predict", params={"review_id": f"r{number}", "score": number / 60})
            told = client.post("/feedback", params={"review_id": f"r{number}", "label": number % 2})
            assert (asked.json(), told.json()) == (True, True)
        assert client.post("/feedback", params={"review_id": "r1", "label": 7}).json() is False
        assert quality.flush(30) is True
        status = client.get("/monitoring/status").json()
        assert status["samples"] == 60
        assert set(status["degraded"]) == {"precision", "recall", "f1"}
        metrics = client.get("/metrics").text
    assert re.search(r'^model_quality_degraded\{.*model="reviews".*\} 1\.0$', metrics, re.MULTILINE)


def test_the_experiment_joins_and_counts() -> None:
    with run(BLOCKS[1])["quality"] as quality:
        assert quality.flush(30) is True
        experiment = quality.status()["experiment"]
    assert experiment["assigned"] == {"control": 0, "rerank": 1}
    assert experiment["arms"]["rerank"]["ctr"] == {"value": 1 / 3, "samples": 1, "difference": None}


def test_a_test_by_user_counts_each_once() -> None:
    with run(BLOCKS[2])["users"] as users:
        users.record_prediction("user-17", variant="rerank")
        users.record_feedback("user-17", 1)
        assert users.flush(30) is True
        experiment = users.status()["experiment"]
    assert experiment["assigned"] == {"control": 0, "rerank": 1}
    arm = experiment["arms"]["rerank"]["acceptance_rate"]
    assert arm == {"value": 1.0, "samples": 1, "difference": None}


@pytest.mark.parametrize(
    "task", [Classification(), Regression(), Ranking(catalogue=1, popularity={1: 1.0}), Suggestions()]
)
def test_every_metric_is_on_the_page(task: Task) -> None:
    for name in task.metrics:
        assert f"`{name.replace('@10', '@k')}`" in PAGE, name


def test_every_reason_of_a_drop_is_on_the_page() -> None:
    for reason in REASONS:
        assert f"`{reason}`" in PAGE, reason


def test_what_the_page_says_of_defaults_is_so() -> None:
    defaults = {name: each.default for name, each in inspect.signature(QualityMonitor).parameters.items()}
    assert (defaults["expiry"], defaults["patience"], defaults["retention"]) == (
        7 * 86_400,
        3_600,
        30 * 86_400,
    )
    assert (defaults["interval"], defaults["refresh"], defaults["min_samples"]) == (1.0, 10.0, 30)
