"""Real Celery workers with a trainer's task."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining.launchers.base import Order
from recwatch_bridge.retraining.launchers.celery.broker import Broker
from recwatch_bridge.retraining.launchers.celery.launcher import CeleryLauncher

PASSWORD = "a-secret-word"

# A trainer's task as a user would write one; while the file `hold` exists, it is at work.
TASKS = """
import os, time
from pathlib import Path
from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BROKER"])

@app.task(name="shop.retrain")
def retrain(run_id, model, reason):
    with open("starts", "a") as file:
        file.write(run_id + "\\n")
    while Path("hold").exists():
        time.sleep(0.05)
    if model == "broken":
        raise ValueError("no data of " + model)
    if model == "mute":
        return None
    return {"version": "v2", "metrics": {"ndcg@10": 0.2}, "samples": 500, "reason": reason}
"""


@dataclass
class Worker:
    """A worker process in a folder of its own."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def hold(self) -> Path:
        return self.folder / "hold"

    def starts(self) -> list[str]:
        path = self.folder / "starts"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def log(self) -> str:
        """What the workers of this folder printed."""
        return (self.folder / "worker.log").read_text(encoding="utf-8")

    def kill(self) -> None:
        """Kill it with its children."""
        with psutil.Process(self.process.pid).oneshot():
            children = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGKILL)
        for child in children:
            if child.is_running():
                child.kill()
        self.process.wait(20)


Workers = Callable[..., Worker]


@pytest.fixture
def worker(redis: Any, tmp_path: Path) -> Iterator[Workers]:
    """Starts a worker; the files `hold` and `starts` lie in its folder."""
    started: list[Worker] = []
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / "shop.py").write_text(TASKS, encoding="utf-8")

    def start(*options: str) -> Worker:
        command = [sys.executable, "-m", "celery", "--app=shop", "worker", "--concurrency=1"]
        name = f"--hostname=w{len(started)}@here"
        with (folder / "worker.log").open("ab") as output:
            process = subprocess.Popen(
                [*command, name, "--without-gossip", "--without-mingle", "--loglevel=INFO", *options],
                cwd=folder,
                env={**os.environ, "BROKER": redis.url, "PYTHONPATH": str(folder), "C_FORCE_ROOT": "1"},
                stdout=output,
                stderr=output,
            )
        started.append(Worker(process, folder))
        before = sum(1 for one in started[:-1] if one.process.poll() is None)
        broker = Broker(redis.url, redis.url, task="shop.retrain", queue="celery")
        wait_until(lambda: broker.listeners() > before, timeout=60)
        return started[-1]

    yield start
    (folder / "hold").unlink(missing_ok=True)
    for one in started:
        if one.process.poll() is None:
            one.kill()


@dataclass
class Ticks:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def launcher(redis: Any, ticks: Ticks) -> Callable[..., CeleryLauncher]:
    """A launcher as a bridge makes it when it starts; every look searches."""

    def make(*, grace: float = 5.0) -> CeleryLauncher:
        broker = Broker(redis.url, redis.url, task="shop.retrain", queue="celery", timeout=1.0)
        return CeleryLauncher(
            broker, secrets=(PASSWORD,), poll=0.0, search_every=0.0, grace=grace, monotonic=ticks
        )

    return make


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order(f"als-{uuid.uuid4().hex}", "als", "rating_scale has drifted", tmp_path / "runs" / "r")
