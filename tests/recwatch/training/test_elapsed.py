"""What trainings took: in the row, and as a counter that never falls over processes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from recwatch.store import open_store, training_runs
from recwatch.training import TrainingRun, start_run
from recwatch.training.elapsed import as_ms, elapsed_ms

Train = Callable[..., TrainingRun]
AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
KILLED = """
import os, signal, sys
from recwatch.store import open_store
from recwatch.testing import wait_until
from recwatch.training import start_run

start_run("als", run_id="killed", store_url=sys.argv[1])
with open_store(sys.argv[1]) as store:
    wait_until(store.runs)
os.kill(os.getpid(), signal.SIGKILL)
"""


def counted(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("training_seconds_total", {"model": "als"})


def add(store_url: str, **row: Any) -> None:
    """A run that is over, as an earlier process left it."""
    with open_store(store_url) as store:
        store.save_run({"model_type": "als", "started_at": AT, "status": "completed", **row})


@pytest.mark.parametrize(
    ("row", "until", "expected"),
    [
        ({"elapsed_ms": 1500}, None, 1500),
        ({"elapsed_ms": None}, None, 0),
        ({"elapsed_ms": None, "started_at": AT}, AT + timedelta(seconds=2.5), 2500),
        ({"elapsed_ms": 1500, "started_at": AT}, AT + timedelta(seconds=1), 2500),
        ({"elapsed_ms": 1500, "started_at": AT}, AT - timedelta(hours=1), 1500),
        ({"elapsed_ms": 1500, "started_at": None}, AT, 1500),
    ],
)
def test_it_is_what_this_run_and_those_before_took(
    row: dict[str, Any], until: datetime | None, expected: int
) -> None:
    assert elapsed_ms(row, until) == expected


def test_seconds_become_whole_milliseconds() -> None:
    assert [as_ms(seconds) for seconds in (0.0014, 1.2, -3.0)] == [1, 1200, 0]


def test_the_counter_goes_on_from_the_table_and_never_falls(train: Train, store_url: str) -> None:
    add(store_url, run_id="als_1", elapsed_ms=7_200_900)
    add(store_url, run_id="als_2", elapsed_ms=1_900, status="failed")
    add(store_url, run_id="bpr_1", elapsed_ms=99_000, model_type="bpr")
    seen = []
    for fail in (False, True, False):
        registry = CollectorRegistry()  # as a process has
        train(registry=registry, store_url=store_url, fail=fail)
        seen.append(counted(registry) or 0.0)
        with open_store(store_url) as store:
            assert seen[-1] == store.elapsed_ms("als") // 1000
    assert seen == sorted(seen)
    assert 7202 <= seen[0] <= seen[-1] < 7260


def test_a_process_of_its_own_counts_what_its_run_took(train: Train, registry: CollectorRegistry) -> None:
    train(registry=registry)
    assert counted(registry) == 0  # not a whole second
    run = start_run("als", registry=registry)
    run._started -= 2.0
    run.finish()
    assert counted(registry) == 2


def test_a_run_id_that_is_used_again_keeps_what_the_first_took(store_url: str) -> None:
    add(store_url, run_id="again", elapsed_ms=5_000, status="failed")
    registry = CollectorRegistry()
    run = TrainingRun("als", run_id="again", store_url=store_url, registry=registry).start()
    assert counted(registry) == 5
    run._started -= 3.0
    run.finish()
    assert counted(registry) == 8
    with open_store(store_url) as store:
        assert 8_000 <= store.elapsed_ms("als") < 9_000


def test_a_lost_run_took_the_time_until_it_was_last_seen(train: Train, store_url: str) -> None:
    command = [sys.executable, "-c", KILLED, store_url]
    assert subprocess.run(command, check=False, timeout=60).returncode == -signal.SIGKILL
    with open_store(store_url) as store:
        with store.transaction() as connection:
            earlier = training_runs.c.heartbeat_at
            (seen,) = connection.execute(sa.select(earlier)).one()
            connection.execute(sa.update(training_runs).values(started_at=seen - timedelta(seconds=90)))
        assert store.elapsed_ms("als") == 0
        train("bpr", store_url=store_url)  # finds it
        assert store.elapsed_ms("als") == 90_000
    registry = CollectorRegistry()
    train(registry=registry, store_url=store_url)
    assert counted(registry) == 90


def test_without_a_store_that_answers_the_run_is_counted_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    registry = CollectorRegistry()
    run = start_run("als", store_url=f"sqlite:///{tmp_path}/file/store.db", registry=registry)
    run._started = time.perf_counter() - 4.5
    run.finish()
    assert counted(registry) == 4
