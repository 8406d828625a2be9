"""One request's id on a real server: in the answer, the log lines, the error log, and both histograms."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import free_port, wait_until

SERVICE = """
import logging, sys
import uvicorn
from fastapi import FastAPI
from recwatch import logs
from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch.recorder import Recorder
from recwatch.request_id import RequestIdMiddleware
from recwatch.service_log import ServiceLog
from recwatch.serving import RecommenderMetrics

logs.configure(file=sys.argv[1] + "/all.log", console=False, json=True)
log = ServiceLog(file=sys.argv[1] + "/recommender.log")
metrics = RecommenderMetrics("als", recorder=Recorder([log], interval=0.01))
app = FastAPI()

@app.get("/recommend")
async def recommend():
    with metrics.request(12345, topk=3) as request:
        request.returned([1, 2, 3])
    return [1, 2, 3]

@app.get("/caught")
def caught():
    logging.getLogger("shop").error("The cache is gone")
    return {}

@app.get("/broken")
async def broken():
    with metrics.request(11111, topk=3):
        raise KeyError("gone")

app.add_middleware(MetricsMiddleware)
app.add_middleware(RequestIdMiddleware)
app.add_route("/metrics", metrics_endpoint())
uvicorn.run(app, port=int(sys.argv[2]), log_config=None)
"""
ACCEPT = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-c", SERVICE, str(folder), str(port)]
    with subprocess.Popen(command) as process:

        def ready() -> bool:
            assert process.poll() is None, "the service ended"
            try:
                return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).ok
            except requests.ConnectionError:
                return False

        try:
            wait_until(ready, timeout=30)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def ask(url: str, request_id: str) -> requests.Response:
    return requests.get(url, headers={"X-Request-ID": request_id}, timeout=10)


def lines_of(folder: Path, request_id: str) -> dict[str, dict[str, Any]]:
    """The lines of a request by their logger."""
    lines = map(json.loads, (folder / "all.log").read_text().splitlines())
    return {line["logger"]: line for line in lines if line.get("request_id") == request_id}


def exemplars(address: str, metric: str) -> set[str]:
    text = requests.get(f"{address}/metrics", headers=ACCEPT, timeout=10).text
    return set(re.findall(rf'^{metric}_bucket{{.*}} \S+ # {{request_id="([^"]+)"}}', text, re.MULTILINE))


def test_a_request_leaves_its_id_everywhere(address: str, folder: Path) -> None:
    response = ask(f"{address}/recommend", "req-1")
    assert response.headers["X-Request-ID"] == "req-1"
    assert wait_until(lambda: "req-1" in exemplars(address, "http_request_duration_seconds"))
    assert "req-1" in exemplars(address, "recommender_request_duration_seconds")
    line = wait_until(lambda: lines_of(folder, "req-1").get("recwatch.service"))
    assert line is not None
    assert (line["event"], line["user_id"], line["topk"]) == ("Request", 12345, 3)
    text = (folder / "recommender.log").read_text()
    assert re.search(
        r"\| INFO \| Request \| user_id=12345, topk=3, latency=0\.\d{3}s, fallback=False, request_id=req-1\n",
        text,
    )


def test_an_error_that_a_thread_logs_carries_it(address: str, folder: Path) -> None:
    ask(f"{address}/caught", "req-2")
    line = lines_of(folder, "req-2")["shop"]
    assert (line["level"], line["event"]) == ("error", "The cache is gone")


def test_the_server_s_own_line_of_a_failure_carries_it(address: str, folder: Path) -> None:
    assert ask(f"{address}/broken", "req-3").status_code == 500
    wait_until(lambda: {"uvicorn.error", "recwatch.service"} <= lines_of(folder, "req-3").keys())
    lines = lines_of(folder, "req-3")
    assert lines["uvicorn.error"]["exception"].endswith("KeyError: 'gone'")
    assert (lines["recwatch.service"]["event"], lines["recwatch.service"]["error"]) == (
        "Recommendation failed",
        "KeyError",
    )


def test_without_an_id_of_its_own_a_request_gets_one(address: str, folder: Path) -> None:
    made = requests.get(f"{address}/recommend", timeout=10).headers["X-Request-ID"]
    wait_until(lambda: lines_of(folder, made))
    assert made in exemplars(address, "recommender_request_duration_seconds")
