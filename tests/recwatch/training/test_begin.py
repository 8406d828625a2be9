"""A run whose id is in the table already."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.store import Store, open_store
from recwatch.training import TrainingRun, liveness, process, start_run
from recwatch.training.begin import begin


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    with open_store(store_url) as store:
        yield store


def row(run_id: str = "again", **columns: Any) -> dict[str, Any]:
    here = process.current()
    place = {"host": here.host, "pid": here.pid, "process_started_at": here.started_at}
    return {"run_id": run_id, "model_type": "als", "status": "running", **place, **columns}


def train(store_url: str, fail: str | None = None) -> TrainingRun:
    run = start_run("als", run_id="again", store_url=store_url, registry=CollectorRegistry())
    run.iteration(1, loss=1.0)
    if fail is None:
        run.iteration(2, loss=0.5)
        run.early_stopping(2)
        run.evaluation({"recall@10": 0.5, "fcp": 0.6})
        run.saved("artifacts/v1")
        run.finish()
    else:
        run.fail(fail)
    return run


def test_a_run_that_is_over_begins_anew(store_url: str, store: Store) -> None:
    train(store_url)
    assert train(store_url, fail="boom").run_id == "again"
    [found] = store.runs()
    assert (found["status"], found["error"]) == ("failed", "RuntimeError: boom")
    for column in ("recall_at_10", "best_iteration", "extra_metrics", "artifacts_path"):
        assert found[column] is None
    assert [row["loss"] for row in store.iterations("again")] == [1.0]
    train(store_url)
    [found] = store.runs()
    assert (found["status"], found["error"], found["recall_at_10"]) == ("completed", None, 0.5)
    assert [row["loss"] for row in store.iterations("again")] == [1.0, 0.5]


def test_a_run_whose_process_is_gone_begins_anew(store: Store) -> None:
    store.save_run(row(rmse=0.5, process_started_at="linux/of/another/boot", pid=2**22, host="gone"))
    assert begin(store, row("again")).run_id != "again"  # nothing says that it is over
    store.save_run(row("own", rmse=0.5))  # of this process, which knows of no such run
    assert begin(store, row("own")).run_id == "own"
    assert next(found for found in store.runs() if found["run_id"] == "own")["rmse"] is None
    liveness.closed("own")


def test_a_run_that_still_runs_keeps_its_rows(
    store_url: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    first = start_run("als", run_id="again", store_url=store_url, registry=CollectorRegistry())
    first.iteration(1, loss=1.0)
    second = train(store_url)
    first.finish()
    assert first.run_id == "again"
    assert second.run_id.startswith("again_")
    assert f"Run renamed | run_id={second.run_id}, reason=" in caplog.text
    assert {found["run_id"] for found in store.runs()} == {first.run_id, second.run_id}
    assert [row["loss"] for row in store.iterations("again")] == [1.0]
    assert [row["loss"] for row in store.iterations(second.run_id)] == [1.0, 0.5]


def test_of_many_that_begin_at_once_each_has_a_row_of_its_own(store_url: str, store: Store) -> None:
    store.save_run(row(status="failed"))
    names: list[str] = []
    together = threading.Barrier(4)

    def start() -> None:
        with open_store(store_url) as own:
            together.wait()
            names.append(begin(own, row()).run_id)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 4
    assert {found["run_id"] for found in store.runs()} == set(names)
    assert "again" in names
    for name in names:
        liveness.closed(name)
