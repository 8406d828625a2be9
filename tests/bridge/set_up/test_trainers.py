"""Trainers elsewhere: each is set up as the page shows, starts once, and its version is promoted."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.testing import wait_until
from recwatch.testing.airflow import AirflowServer
from recwatch.testing.github import GithubServer
from recwatch.testing.plain import PlainServer

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "launchers"
SECRET = "a-secret-word"
Promoted = Callable[..., None]


@pytest.fixture
def promoted(workplace: Any, start: Any, publish: Any, alert: Any, group: Any) -> Promoted:
    """Runs the bridge until what the trainer answered is in service, and somebody was told."""

    def follow(runs: Callable[[], int], finish: Callable[[dict[str, Any]], None]) -> None:
        bridge = start()
        bridge.post("/actions/retrain", group(alert()))
        wait_until(lambda: runs() == 1, timeout=90)
        version = publish()
        finish({"version": version, "metrics": {"ndcg@10": 0.2}, "samples": 500})
        workplace.mail.wait_for(lambda message: "Model promoted: als" in message["Subject"], timeout=90)
        assert (runs(), workplace.registry.current()) == (1, version)

    return follow


@pytest.fixture
def launcher(workplace: Any, set_up: Any) -> Callable[..., dict[str, Any]]:
    """Sets up the launcher of a heading, with its secret, asking more often than in earnest."""

    def make(heading: str, secret: str, url: str) -> dict[str, Any]:
        set_up(heading, secrets={secret: SECRET})
        found: dict[str, Any] = workplace.settings["models"]["als"]["launcher"]
        found.update(url=url, poll="100ms")
        return found

    return make


def test_github(launcher: Any, promoted: Promoted) -> None:
    with GithubServer(token=SECRET) as github:
        launcher("A trainer: GitHub Actions", "github_token", github.url)
        promoted(lambda: len(github.runs), lambda result: github.runs[0].finish(result=result))


@pytest.mark.parametrize("version", [2, 3])
def test_airflow(launcher: Any, promoted: Promoted, version: Any) -> None:
    with AirflowServer(version=version, password=SECRET) as airflow:
        found = launcher("A trainer: Airflow", "airflow_password", airflow.url)
        assert found["api"] == "airflow3"
        found["api"] = f"airflow{version}"
        promoted(
            lambda: len(airflow.runs), lambda result: airflow.runs[0].finish(returned=json.dumps(result))
        )


def test_a_service_of_ones_own(launcher: Any, promoted: Promoted) -> None:
    with PlainServer(token=SECRET) as trainer:
        launcher("A trainer: a service of your own", "trainer_token", trainer.url)
        promoted(lambda: len(trainer.runs), lambda result: next(iter(trainer.runs.values())).finish(result))


@pytest.mark.all
def test_celery(*, workplace: Any, set_up: Any, start: Any, redis: Any, alert: Any, group: Any) -> None:
    """A real worker runs the example's task, which runs the trainer of the page's command."""
    set_up("A trainer: a Celery task", secrets={"redis_url": redis.url})
    shutil.copy(EXAMPLES / "tasks.py", workplace.folder)
    command = [
        sys.executable,
        "-m",
        "celery",
        "--app=tasks",
        "worker",
        "--queues=training",
        "--concurrency=1",
    ]
    environment = {
        **os.environ,
        "CELERY_REDIS": redis.url,
        "PYTHONPATH": str(workplace.folder),
        "C_FORCE_ROOT": "1",
    }
    bridge = start()
    bridge.post("/actions/retrain", group(alert()))
    with (workplace.folder / "worker.log").open("wb") as output:
        worker = subprocess.Popen(
            command, cwd=workplace.folder, env=environment, stdout=output, stderr=output
        )
    try:
        workplace.mail.wait_for(lambda message: "Model promoted: als" in message["Subject"], timeout=120)
    finally:
        worker.terminate()
        worker.wait(30)
    [run] = bridge.get("/api/v1/runs")
    assert workplace.starts() == [run["id"]]
    assert workplace.registry.current() == run["version"]
