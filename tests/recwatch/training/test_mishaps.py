"""Whatever happens to the watching, the training goes on: each mishap costs a count and a log line."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge

from recwatch.store import open_store
from recwatch.training import TrainingRun, start_run

Train = Callable[..., TrainingRun]
Dropped = Callable[[str, str], float | None]


def test_a_store_that_stays_locked(
    train: Train, dropped: Dropped, store_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    run = train(store_url=store_url)
    other.close()
    assert run.status == "completed"
    assert dropped("store", "locked") == 4  # the run and three iterations
    assert "Store not written yet" in caplog.text
    assert "Write dropped | target=store, reason=locked, writes=4" in caplog.text


def test_a_store_that_was_locked_at_the_start_is_complete_in_the_end(
    train: Train, dropped: Dropped, registry: CollectorRegistry, store_url: str, tmp_path: Path
) -> None:
    train(store_url=store_url, registry=CollectorRegistry())
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    run = start_run("als", store_url=store_url, registry=registry)
    other.rollback()
    other.close()
    for number in range(1, 4):
        run.iteration(number, 3, loss=1.0)
    run.finish()
    assert dropped("store", "locked") == 0
    with open_store(store_url) as store:
        assert [row["status"] for row in store.runs()] == ["completed"] * 2
        assert len(store.iterations(run.run_id)) == 3
    # The counter still counts on from the table.
    assert registry.get_sample_value("training_runs_total", {"model": "als", "status": "completed"}) == 2


@pytest.mark.all  # nobody can make PostgreSQL's driver wait for less than two seconds
def test_a_database_that_never_answers(registry: CollectorRegistry, dropped: Dropped) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://127.0.0.1:{silent.getsockname()[1]}/training"
        run = TrainingRun("als", store_url=url, registry=registry)
        with run:
            run.iteration(1, 1, loss=1.0)
    assert run.status == "completed"
    assert (dropped("store", "timeout") or 0) + (dropped("store", "unavailable") or 0) == 2


def test_paths_that_cannot_be_written_and_figures_that_are_none(
    train: Train, dropped: Dropped, registry: CollectorRegistry, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    run = train(store_url="sqlite:////proc/nowhere/store.db", log_dir=tmp_path / "file")
    assert run.status == "completed"
    assert dropped("store", "unavailable") == 4
    assert dropped("log", "unwritable") == 1
    with TrainingRun("als", registry=registry) as run:
        run.evaluation({"ndcg@10": "not a number"})  # type: ignore[dict-item]
        run.iteration()  # type: ignore[call-arg]
    assert run.status == "completed"
    assert dropped("training", "error") == 2


def test_a_log_folder_that_goes_away(registry: CollectorRegistry, dropped: Dropped, tmp_path: Path) -> None:
    with TrainingRun("als", log_dir=tmp_path / "cf", registry=registry) as run:
        shutil.rmtree(tmp_path / "cf")
        run.iteration(1, 1, loss=1.0)
    assert run.status == "completed"
    assert dropped("log", "unwritable") == 2  # the iteration, and that training is completed


def test_a_metric_that_is_there_already(
    registry: CollectorRegistry, dropped: Dropped, caplog: pytest.LogCaptureFixture
) -> None:
    Gauge("training_loss", "Of somebody else.", registry=registry)
    with TrainingRun("als", registry=registry) as run:
        run.iteration(1, 1, loss=1.0)
    assert run.status == "completed"
    assert dropped("registry", "duplicate") == 1
    assert "Write dropped | target=registry, reason=duplicate" in caplog.text


FULL_DISK = """
import resource, sys
from pathlib import Path
from prometheus_client import REGISTRY
from recwatch.training import start_run

folder = Path(sys.argv[1])
store_url = f"sqlite:///{folder}/store.db"
run = start_run("als", store_url=store_url, log_dir=folder / "cf", push=f"textfile:{folder}")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # no file may grow
run.iteration(1, 2, loss=1.0)
run.iteration(2, 2, loss=1.0)
run.finish()
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for family in REGISTRY.collect():
    for sample in family.samples:
        if sample.name == "recwatch_dropped_writes_total" and sample.value:
            print(sample.labels["target"])
print(run.status)
"""


def test_a_full_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert set(ended.stdout.split()) == {"store", "log", "textfile", "completed"}, ended.stderr
    assert (tmp_path / "recwatch_training_als.prom").read_text()  # still that of the start


def test_a_child_leaves_the_run_to_its_parent(
    registry: CollectorRegistry, store_url: str, dropped: Dropped
) -> None:
    run = start_run("als", store_url=store_url, registry=registry)
    pid = os.fork()
    if pid == 0:
        run.iteration(1, 2, loss=1.0)
        run.finish()
        counted = dropped("training", "forked")
        os._exit(0 if (run.is_open, run.status, counted) == (False, "running", 1) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    with open_store(store_url) as store:
        assert [row["status"] for row in store.runs()] == ["running"]
        run.finish()
        assert [row["status"] for row in store.runs()] == ["completed"]
        assert store.iterations(run.run_id) == []


class Mute(Exception):  # noqa: N818 - reads as what it is
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_shown_is_the_one_that_is_raised(
    registry: CollectorRegistry, store_url: str
) -> None:
    run = TrainingRun("als", store_url=store_url, registry=registry)
    with pytest.raises(Mute), run:
        raise Mute
    assert run.status == "failed"
    with open_store(store_url) as store:
        assert store.runs()[0]["error"] == "Mute: <Mute that cannot be shown>"


def test_parameters_that_cannot_be_shown(
    registry: CollectorRegistry, dropped: Dropped, store_url: str, tmp_path: Path
) -> None:
    circle: dict[str, object] = {"mute": Mute()}
    circle["self"] = circle
    with TrainingRun(
        "als", parameters=circle, store_url=store_url, log_dir=tmp_path, registry=registry
    ) as run:
        run.iteration(1, 1, loss=1.0)
    assert (run.status, dropped("training", "error")) == ("completed", 0)
    started = (tmp_path / "als.log").read_text().splitlines()[0]
    assert "Training started | mute=" in started
    assert "<Mute that cannot be shown>" in started
    with open_store(store_url) as store:
        assert "Mute that cannot be shown" in store.runs()[0]["hyperparameters"]
    with TrainingRun("als", parameters=[1], registry=registry):  # type: ignore[arg-type]
        pass
    assert dropped("training", "error") == 1
