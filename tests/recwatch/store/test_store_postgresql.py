"""The tables of record on a real PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path

from recwatch.store import open_store
from recwatch.training import TrainingRun


def test_a_run_and_its_iterations_come_back_as_they_were_written(postgresql_url: str) -> None:
    at = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)
    with open_store(postgresql_url) as store:
        store.save_run({"run_id": "pg_1", "model_type": "pg", "started_at": at, "status": "running"})
        store.save_run(
            {"run_id": "pg_1", "status": "completed", "ndcg_at_10": 0.125},
            [{"iteration": 1, "timestamp": at, "loss": 0.5}, {"iteration": 2, "timestamp": at, "loss": 0.25}],
        )
    with open_store(postgresql_url) as store:
        (run,) = store.runs("pg")
        assert (run["started_at"], run["status"], run["ndcg_at_10"]) == (at, "completed", 0.125)
        assert [row["loss"] for row in store.iterations("pg_1")] == [0.5, 0.25]
        assert store.run_counts("pg") == {"completed": 1}


def test_a_training_is_recorded_there(postgresql_url: str, tmp_path: Path) -> None:
    with TrainingRun("watched", parameters={"factors": 8}, store_url=postgresql_url, log_dir=tmp_path) as run:
        run.iteration(1, 2, loss=0.5, seconds=0.1)
        run.iteration(2, 2, loss=0.25, seconds=0.1)
        run.evaluation({"ndcg@10": 0.1})
    with open_store(postgresql_url) as store:
        (row,) = store.runs("watched")
        assert (row["status"], row["ndcg_at_10"]) == ("completed", 0.1)
        assert len(store.iterations(row["run_id"])) == 2
