"""What a newcomer looks at shows something in a real demo: dashboards, variables, the queries of runbooks."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until
from recwatch_dashboards.queries import without_variables
from recwatch_local.paths import ROOT

pytestmark = [pytest.mark.all, pytest.mark.timeout(420)]

_NO_SUGGESTIONS = "the model gives no suggestions to accept or turn down"
_RANKS = "the model ranks: it neither classifies nor predicts numbers"
_YOUNG = "the demo is not a week old"
# What is rightly empty when the demo's loop has closed, and why: panels as `dashboard: panel`.
EMPTY_PANELS = {
    "drift: Failed runs": "no check fails",
    "loop: Candidates that waited for a person": "the gate decides alone",
    "quality: Acceptance rate": _NO_SUGGESTIONS,
    "quality: Accuracy": _RANKS,
    "quality: Fall of the acceptance rate": _NO_SUGGESTIONS,
    "quality: Fall of the click-through rate": _YOUNG,
    "quality: Label lag against usual": _YOUNG,
    "quality: MAE": _RANKS,
    "quality: RMSE": _RANKS,
    "rerank: Shift of the scores": _YOUNG,
    "service: Errors by type": "no request fails",
    "service: First byte p95": "no answer is streamed",
    "service: Requests against a week before": _YOUNG,
    "service: What instrumentation gave up": "nothing is given up",
    "stack: Bridge: failures": "nothing fails",
    "stack: Bridge: requests refused": "nothing is refused",
    "stack: Drift exporter: failures": "nothing fails",
    "stack: Notifications that failed": "none fails",
    "stack: Rule evaluations that failed": "none fails",
}
# These have data in some demos only.
PERHAPS_EMPTY_PANELS = {
    "loop: Alerts that started nothing": "the loop may close before an alert asks a second time",
    "pipelines: Runs that ended": "the one run may end before Prometheus has looked twice",
    "training: Time of an iteration": "pushed at the end, two trainings of as many iterations look like one",
}
# Queries of runbooks as `runbook: number`, by the reason.
EMPTY_QUERIES = {
    "no request fails": (
        "AvailabilityBudgetBurn: 3",
        "RecommenderErrorRateHigh: 2",
        "RecommenderErrorsAfterPromotion: 4",
        "SampleRatioMismatch: 4",
    ),
    "few requests came before the demo's promotion": ("RecommenderErrorsAfterPromotion: 2",),
    "the demo is not a day old": ("ModelQualityDegraded: 4",),
    "the demo is not a week old": (
        "AcceptanceRateDown: 2",
        "ClickThroughRateDown: 2",
        "LabelsLate: 2",
        "OutputShift: 1",
        "OutputShift: 3",
        "RecommenderTrafficCollapsed: 2",
    ),
    "the model ranks: it neither classifies nor predicts numbers nor suggests": (
        "AcceptanceRateDown: 1",
        "AcceptanceRateDown: 4",
        "AccuracyLow: 1",
        "AccuracyLow: 2",
        "MaeHigh: 1",
        "MaeHigh: 2",
        "MaeHigh: 3",
        "RmseHigh: 1",
        "RmseHigh: 2",
        "RmseHigh: 3",
    ),
    "drift.yml has no check of this type": (
        "DataBroken: 1",
        "DataBroken: 2",
        "FactorDrift: 1",
        "FactorDrift: 2",
        "MultivariateDrift: 1",
        "MultivariateDrift: 2",
        "OutputShift: 4",
        "RowCountAnomaly: 1",
        "RowCountAnomaly: 2",
        "SourceStale: 2",
    ),
    "no check fails": ("DriftCheckFailing: 2",),
    "no answer is streamed": ("FirstByteSlow: 1", "FirstByteSlow: 2"),
    "nobody set a threshold": ("ThresholdUnknown: 1", "ThresholdUnknown: 2", "ThresholdUnknown: 3"),
}
BOARDS = {
    file.stem: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}
RUNBOOKS = {
    file.stem: [
        query.strip()
        for query in re.findall(r"```promql\n(.*?)\n\s*```", file.read_text(encoding="utf-8"), re.DOTALL)
    ]
    for file in sorted((ROOT / "docs" / "runbooks").glob("*.md"))
}
_BESIDE = ("alert:threshold:used", "(alert:threshold:used", "vector(")
_PROMETHEUS = re.compile(r"alerts +(http://127\.0\.0\.1:\d+)/")


@dataclass(frozen=True)
class Demo:
    """A demo whose loop has closed; everything still runs."""

    prometheus: str
    began: float

    def has_data(self, expr: str) -> bool:
        """Whether a query has had a value at any time since the demo began."""
        now = time.time()
        asked = {"query": expr, "start": self.began, "end": now, "step": max(1, (now - self.began) / 200)}
        answer = requests.post(f"{self.prometheus}/api/v1/query_range", data=asked, timeout=30)
        assert answer.status_code == 200, f"{expr}: {answer.text}"
        return any(row["values"] for row in answer.json()["data"]["result"])

    def values(self, label: str, selector: str) -> list[str]:
        """The values of a label of the selected series, as Grafana asks for them."""
        answer = requests.get(
            f"{self.prometheus}/api/v1/label/{label}/values", params={"match[]": selector}, timeout=30
        )
        assert answer.status_code == 200, f"{selector}: {answer.text}"
        found: list[str] = answer.json()["data"]
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    began = time.time()
    said: list[str] = []
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "recwatch_demo", "--free-ports", "--output", str(folder / "out")),
            *("--run-folder", str(folder / "run")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            wait_until(lambda: process.poll() is not None or _PROMETHEUS.search("".join(said)), timeout=300)
            found = _PROMETHEUS.search("".join(said))
            assert found is not None, "".join(said)
            yield Demo(found[1], began)
        finally:
            process.terminate()
            process.wait(timeout=60)
            reader.join(timeout=10)


def _queries(panel: dict[str, Any]) -> list[str]:
    return [
        without_variables(target["expr"], {"__rate_interval": "1m", "__range": "1h"})
        for target in panel.get("targets", [])
        # A line to compare with is not what a panel shows.
        if "expr" in target and not target["expr"].startswith(_BESIDE)
    ]


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_has_data(name: str, demo: Demo) -> None:
    empty = [
        f"{name}: {panel['title']}"
        for panel in BOARDS[name]["panels"]
        if _queries(panel) and not any(demo.has_data(expr) for expr in _queries(panel))
    ]

    unexplained = [panel for panel in empty if panel not in {**EMPTY_PANELS, **PERHAPS_EMPTY_PANELS}]
    assert not unexplained, "\n".join(unexplained)
    needless = [panel for panel in EMPTY_PANELS if panel.startswith(f"{name}: ") and panel not in empty]
    assert not needless, "\n".join(needless)


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_values(name: str, demo: Demo) -> None:
    for variable in BOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            selector, _, label = variable["query"].removeprefix("label_values(").rpartition(",")
            found = demo.values(label.strip(" )"), without_variables(selector))
            assert found, f"{name}: ${variable['name']}"


def test_every_query_of_a_runbook_has_data(demo: Demo) -> None:
    empty = [
        f"{name}: {number}"
        for name, queries in RUNBOOKS.items()
        for number, query in enumerate(queries, start=1)
        if not demo.has_data(query)
    ]

    unexplained = sorted({*empty} - {query for queries in EMPTY_QUERIES.values() for query in queries})
    assert not unexplained, "\n".join(unexplained)


def test_what_is_excused_exists() -> None:
    panels = {f"{name}: {panel['title']}" for name, board in BOARDS.items() for panel in board["panels"]}
    queries = {f"{name}: {place + 1}" for name, texts in RUNBOOKS.items() for place in range(len(texts))}

    assert {*EMPTY_PANELS, *PERHAPS_EMPTY_PANELS} <= panels
    assert {query for some in EMPTY_QUERIES.values() for query in some} <= queries
