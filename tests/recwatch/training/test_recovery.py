"""Runs whose process is gone, with processes that are really killed."""

import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from recwatch.store import Store, open_store, training_runs
from recwatch.testing import wait_until
from recwatch.training import LOST_AFTER, LostRun, TrainingRun, process, recover_lost_runs, start_run

Train = Callable[..., TrainingRun]
Pushed = Callable[[str], dict[tuple[str, ...], float]]

TRAINER = """
import sys
from recwatch.training import start_run

model, store_url, push = sys.argv[1:]
run = start_run(model, run_id=f"{model}_killed", store_url=store_url, push=push or None)
run.iteration(1, 2, loss=1.0)
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def a_trainer(
    model: str, store_url: str, push: str = "", *, prefix: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A process with a run under way."""
    command = [*prefix, sys.executable, "-c", TRAINER, model, store_url, push]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trainer:
        try:
            assert trainer.stdout is not None
            assert trainer.stdout.readline() == "ready\n"
            yield trainer
        finally:
            trainer.kill()


def kill(trainer: "subprocess.Popen[str]") -> None:
    trainer.send_signal(signal.SIGKILL)
    assert trainer.wait(timeout=30) == -signal.SIGKILL


def row_of(store: Store, run_id: str) -> dict[str, Any]:
    return next(row for row in store.runs() if row["run_id"] == run_id)


def test_a_killed_run_is_found_by_the_next_run_of_any_model(train: Train, store_url: str) -> None:
    with a_trainer("als", store_url) as trainer:
        with open_store(store_url) as store:
            assert row_of(store, "als_killed")["status"] == "running"
        kill(trainer)
    train("bpr", store_url=store_url)
    with open_store(store_url) as store:
        row = row_of(store, "als_killed")
        assert (row["status"], row["completed_at"]) == ("failed", row["heartbeat_at"])
        assert row["error"].startswith(f"lost: process {trainer.pid} on {row['host']} ended without a word")
        assert [row["status"] for row in store.runs("bpr")] == ["completed"]


def test_the_next_run_of_the_model_counts_it(
    train: Train, registry: CollectorRegistry, store_url: str
) -> None:
    with a_trainer("als", store_url) as trainer:
        kill(trainer)
    for count in (1, 1):
        train("als", store_url=store_url)
        labels = {"model": "als", "status": "failed"}
        assert registry.get_sample_value("training_runs_total", labels) == count
    assert registry.get_sample_value("training_last_failure_timestamp_seconds", {"model": "als"})


def test_a_killed_run_is_put_right_at_the_pushgateway(
    train: Train, pushed: Pushed, pushgateway: str, store_url: str
) -> None:
    model = f"als-{uuid.uuid4().hex}"
    train(model, store_url=store_url, push=pushgateway)
    with a_trainer(model, store_url, pushgateway) as trainer:
        kill(trainer)
    assert pushed(model)["training_in_progress",] == 1
    with open_store(store_url) as store:
        (lost,) = recover_lost_runs(store, push=pushgateway, registry=CollectorRegistry())
    after = pushed(model)
    assert after["training_in_progress",] == 0
    assert (after["training_runs_total", "completed"], after["training_runs_total", "failed"]) == (1, 1)
    assert after["training_last_failure_timestamp_seconds",] == lost.last_seen.timestamp()
    assert after["training_last_success_timestamp_seconds",] < lost.last_seen.timestamp()
    assert after["training_metric", "recall@10", "test"] == 0.234


def test_the_next_run_puts_it_right_as_well(
    train: Train, pushed: Pushed, pushgateway: str, store_url: str
) -> None:
    model = f"als-{uuid.uuid4().hex}"
    with a_trainer(model, store_url, pushgateway) as trainer:
        kill(trainer)
    train(f"bpr-{uuid.uuid4().hex}", store_url=store_url, push=pushgateway)
    assert pushed(model)["training_in_progress",] == 0
    train(model, store_url=store_url, push=pushgateway, registry=CollectorRegistry())
    after = pushed(model)
    assert after["training_in_progress",] == 0
    assert (after["training_runs_total", "completed"], after["training_runs_total", "failed"]) == (1, 1)


def test_a_process_that_nobody_has_waited_for_is_gone_too(
    store_url: str, registry: CollectorRegistry
) -> None:
    with a_trainer("als", store_url) as trainer, open_store(store_url) as store:
        trainer.kill()
        stat = Path(f"/proc/{trainer.pid}/stat")
        wait_until(lambda: not stat.exists() or ") Z " in stat.read_text())
        assert [run.run_id for run in recover_lost_runs(store, registry=registry)] == ["als_killed"]


def change(store: Store, run_id: str, **values: Any) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.update(training_runs).where(training_runs.c.run_id == run_id).values(**values))


def test_a_run_that_goes_on_is_left_alone_however_silent(store_url: str, registry: CollectorRegistry) -> None:
    with a_trainer("als", store_url), open_store(store_url) as store:
        change(store, "als_killed", heartbeat_at=datetime.now(UTC) - timedelta(days=30))
        assert recover_lost_runs(store, registry=registry) == []


def elsewhere(**changes: Any) -> dict[str, Any]:
    """A run of a process that cannot be seen from here."""
    here = process.current()
    row = {"host": here.host, "pid": here.pid, "process_started_at": here.started_at, **changes}
    return {"run_id": "als_1", "model_type": "als", "status": "running", **row}


def other_namespace() -> str:
    kind, boot, _, ticks = (process.current().started_at or "").split("/")
    return f"{kind}/{boot}/1/{ticks}"


@pytest.mark.parametrize(
    "place",
    [
        {"host": "another-machine", "process_started_at": "linux/another-boot/4026531836/1"},
        {"host": "a-container", "process_started_at": other_namespace()},
        {"process_started_at": other_namespace()},
        {"host": "a-mac", "process_started_at": "psutil/1.000"},
        {"host": "another-machine", "process_started_at": None},
        {"host": None, "pid": None, "process_started_at": None},
    ],
)
def test_of_a_run_elsewhere_the_heartbeat_decides(
    store_url: str, registry: CollectorRegistry, place: dict[str, Any]
) -> None:
    now = datetime.now(UTC)
    with open_store(store_url) as store:
        store.save_run({**elsewhere(**place), "heartbeat_at": now - LOST_AFTER + timedelta(minutes=1)})
        assert recover_lost_runs(store, registry=registry) == []
        seen = now - LOST_AFTER - timedelta(minutes=1)
        change(store, "als_1", heartbeat_at=seen)
        (lost,) = recover_lost_runs(store, registry=registry)
        assert lost == LostRun("als_1", "als", seen, row_of(store, "als_1")["error"])
        assert recover_lost_runs(store, registry=registry) == []
    labels = {"model": "als", "status": "failed"}
    assert registry.get_sample_value("training_runs_total", labels) == 1


def test_a_run_of_this_process_that_is_not_open_is_lost(store_url: str, registry: CollectorRegistry) -> None:
    run = start_run("als", store_url=store_url, registry=registry)
    writer = run._effects._writer
    assert writer is not None
    assert writer.call(lambda: None, timeout=10)  # its own search for lost runs is over
    with open_store(store_url) as store:
        store.save_run({**elsewhere(), "run_id": "never_ended"})
        assert [run.run_id for run in recover_lost_runs(store, registry=registry)] == ["never_ended"]
        run.finish()
        assert row_of(store, run.run_id)["status"] == "completed"


def test_a_run_that_was_taken_for_lost_and_comes_back_ends_as_it_ends(
    store_url: str, registry: CollectorRegistry
) -> None:
    run = start_run("als", store_url=store_url, registry=registry)
    with open_store(store_url) as store:
        change(store, run.run_id, status="failed", error="lost", completed_at=datetime.now(UTC))
        run.finish()
        row = row_of(store, run.run_id)
    assert (row["status"], row["error"]) == ("completed", None)


def test_each_lost_run_is_found_once_by_many(store_url: str) -> None:
    started = datetime.now(UTC) - timedelta(days=1)
    with open_store(store_url) as store:
        for number in range(10):
            place = elsewhere(host="gone", process_started_at=None)
            store.save_run({**place, "run_id": f"als_{number}", "started_at": started})
        found: list[LostRun] = []
        barrier = threading.Barrier(4)

        def recover() -> None:
            barrier.wait()
            found.extend(recover_lost_runs(store, registry=CollectorRegistry()))

        threads = [threading.Thread(target=recover) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(run.run_id for run in found) == [f"als_{number}" for number in range(10)]


def test_a_run_in_another_pid_namespace_is_not_taken_for_dead(
    store_url: str, registry: CollectorRegistry
) -> None:
    apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no pid namespace can be made here: it takes root")
    with a_trainer("als", store_url, prefix=apart) as trainer, open_store(store_url) as store:
        assert row_of(store, "als_killed")["pid"] < trainer.pid  # small, as in a container
        assert recover_lost_runs(store, registry=registry) == []
        kill(trainer)
        assert recover_lost_runs(store, registry=registry) == []
        change(store, "als_killed", heartbeat_at=datetime.now(UTC) - 2 * LOST_AFTER)
        assert [run.run_id for run in recover_lost_runs(store, registry=registry)] == ["als_killed"]


def test_a_lost_run_is_put_right_in_its_textfile(
    store_url: str, registry: CollectorRegistry, tmp_path: Path
) -> None:
    push = f"textfile:{tmp_path}"
    file = tmp_path / "recwatch_training_als.prom"
    with a_trainer("als", store_url, push) as trainer:
        kill(trainer)
    assert 'training_in_progress{model="als"} 1.0' in file.read_text()
    with open_store(store_url) as store:
        recover_lost_runs(store, push=push, registry=registry)
    assert 'training_in_progress{model="als"} 0.0' in file.read_text()
    assert 'training_runs_total{model="als",status="failed"} 1.0' in file.read_text()


def test_lost_runs_are_found_on_postgresql(postgresql_url: str, registry: CollectorRegistry) -> None:
    with a_trainer("als", postgresql_url) as trainer:
        kill(trainer)
    with open_store(postgresql_url) as store:
        assert [run.run_id for run in recover_lost_runs(store, registry=registry)] == ["als_killed"]
        assert row_of(store, "als_killed")["status"] == "failed"
