import sqlite3
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import StoreError
from recwatch.store import open_store

COLUMNS = {
    "training_runs": [
        "run_id",
        "model_type",
        "started_at",
        "completed_at",
        "status",
        "hyperparameters",
        "recall_at_10",
        "recall_at_20",
        "ndcg_at_10",
        "ndcg_at_20",
        "coverage",
        "baseline_recall_at_10",
        "improvement_pct",
        "training_time_seconds",
        "data_version",
        "git_commit",
        "artifacts_path",
        "rmse",
        "mae",
        "extra_metrics",
        "best_iteration",
        "error",
        "host",
        "pid",
        "process_started_at",
        "heartbeat_at",
        "elapsed_ms",
    ],
    "iteration_metrics": [
        "id",
        "run_id",
        "iteration",
        "timestamp",
        "loss",
        "validation_recall",
        "validation_ndcg",
        "wall_time_seconds",
    ],
}
AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def run(run_id: str = "als_1", **values: Any) -> dict[str, Any]:
    return {"run_id": run_id, "model_type": "als", "started_at": AT, "status": "running", **values}


def test_the_tables_have_the_columns_that_were_asked_for(store_url: str, tmp_path: Path) -> None:
    open_store(store_url).close()
    connection = sqlite3.connect(tmp_path / "store.db")
    columns = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for table in ("training_runs", "iteration_metrics")
    }
    assert columns == COLUMNS
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_run_is_written_once_and_updated_then(store_url: str) -> None:
    with open_store(store_url) as store:
        store.save_run(run())
        store.save_run(run(status="completed", recall_at_10=0.234), [{"iteration": 1, "loss": 3.0}])
        store.save_run(run(status="completed"), [{"iteration": 2, "loss": 2.0}])
        (row,) = store.runs("als")
        assert (row["status"], row["recall_at_10"]) == ("completed", 0.234)
        assert [(row["iteration"], row["loss"]) for row in store.iterations("als_1")] == [(1, 3.0), (2, 2.0)]


def test_runs_are_counted_by_model_and_status(store_url: str) -> None:
    with open_store(store_url) as store:
        for number, status in enumerate(("completed", "failed", "completed")):
            store.save_run(run(f"als_{number}", status=status))
        store.save_run(run("bpr_1", model_type="bpr"))
        assert store.run_counts("als") == {"completed": 2, "failed": 1}
        assert store.run_counts("nobody") == {}
        assert [row["run_id"] for row in store.runs("als")] == ["als_0", "als_1", "als_2"]
        assert len(store.runs()) == 4


def test_a_run_id_is_a_value_never_sql(store_url: str) -> None:
    evil = "x'; DROP TABLE training_runs; --"
    with open_store(store_url) as store:
        store.save_run(run(evil), [{"iteration": 1}])
        assert len(store.iterations(evil)) == 1
        assert store.iterations("' OR '1'='1") == []


def test_a_run_and_its_iterations_are_written_together_or_not_at_all(store_url: str) -> None:
    with open_store(store_url) as store:
        with pytest.raises(StoreError, match="no time zone"):
            store.save_run(run(), [{"iteration": 1, "timestamp": AT.replace(tzinfo=None)}])
        assert store.runs() == []


def test_a_locked_database_says_so_in_time(store_url: str, tmp_path: Path) -> None:
    with open_store(store_url, timeout=0.05) as store:
        other = sqlite3.connect(tmp_path / "store.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process") as failure:
            store.save_run(run())
        assert failure.value.reason == "locked"
        other.close()
        store.save_run(run())


@pytest.mark.parametrize("url", ["not a url", "nosuchdatabase://x/y", "sqlite:////proc/nowhere/store.db"])
def test_a_url_that_cannot_be_used_is_answered_with_an_example(url: str) -> None:
    with pytest.raises(StoreError, match=r"write one such as sqlite:///") as failure:
        open_store(url)
    assert failure.value.reason == "unavailable"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://anna:geheim@/x:y@host:port/runs",
        "postgresql://anna:geheim@host:port/runs",
        "nosuchdatabase://anna:geheim@host/runs",
        "postgresql+nosuchdriver://anna:geheim@host/runs",
        "postgresql+psycopg://anna:geheim@127.0.0.1:1/runs",
        "postgresql//anna:geheim@host",
    ],
)
def test_a_password_is_in_no_message(url: str) -> None:
    with pytest.raises(StoreError) as failure:
        open_store(url)
    text = "".join(traceback.format_exception(failure.value))
    assert "geheim" not in text


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("This is a text, and a long one at that. " * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}")


OPEN = "import sys; from recwatch.store import open_store; open_store(sys.argv[1]).close()"


def test_processes_that_open_a_new_store_together_do_not_collide(store_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", OPEN, store_url]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
