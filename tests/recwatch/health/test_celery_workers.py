"""A real Celery worker with a real Redis as its broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery

from recwatch.errors import HealthError
from recwatch.health import HealthChecks
from recwatch.health.celery_workers import CeleryWorkers
from recwatch.testing import free_port, wait_until


@contextmanager
def worker(folder: Path, broker: str) -> Iterator[None]:
    (folder / "shop.py").write_text(f"from celery import Celery\napp = Celery('shop', broker={broker!r})\n")
    options = [
        "--pool=solo",
        "--hostname=one@here",
        "--without-gossip",
        "--without-mingle",
        "--loglevel=ERROR",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "celery", "--app=shop", "worker", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "C_FORCE_ROOT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGKILL)


def status(health: HealthChecks) -> tuple[str, float | None]:
    result = health.results()["workers"]
    return result.status, result.value


@pytest.mark.all
def test_workers_are_counted_and_missed(tmp_path: Path, redis_port: int, health: HealthChecks) -> None:
    broker = f"redis://:right@127.0.0.1:{redis_port}/1"
    health.add("workers", CeleryWorkers(Celery("shop", broker=broker)), timeout=5, every=0.1)
    health.start()
    wait_until(lambda: status(health) == ("down", 0), timeout=30)
    assert health.results()["workers"].message == "0 workers answer, 1 are asked for: start workers"
    with worker(tmp_path, broker):
        wait_until(lambda: status(health) == ("up", 1), timeout=60)
        assert health.results()["workers"].message == "one@here"
        with pytest.raises(HealthError, match="1 workers answer, 2 are asked for") as caught:
            CeleryWorkers(Celery("shop", broker=broker), min_workers=2)()
        assert caught.value.value == 1
    wait_until(lambda: status(health) == ("down", 0), timeout=30)


def test_nobody_works_for_a_broker_that_answers(redis_port: int) -> None:
    check = CeleryWorkers(Celery("shop", broker=f"redis://:right@127.0.0.1:{redis_port}/2"), wait=0.05)
    with pytest.raises(HealthError, match="0 workers answer, 1 are asked for"):
        check()


def test_a_broker_that_does_not_answer_is_said_without_its_password() -> None:
    app = Celery("shop", broker=f"redis://:secret@127.0.0.1:{free_port()}/0")
    with pytest.raises(HealthError, match=r"the broker does not answer: .*Connection refused") as caught:
        CeleryWorkers(app)()
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(CeleryWorkers(app))
