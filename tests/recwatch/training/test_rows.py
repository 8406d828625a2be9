"""What a run leaves in the store."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from recwatch.store import open_store
from recwatch.training import TrainingRun, process

Train = Callable[..., TrainingRun]


def test_rows(train: Train, store_url: str) -> None:
    before = datetime.now(UTC)
    run = train(store_url=store_url, data_version="2003-05-01", commit="0123abc", run_id="als_1")
    assert (run.run_id, run.status, run.error) == ("als_1", "completed", None)
    with open_store(store_url) as store:
        (row,) = store.runs()
        iterations = store.iterations("als_1")
    assert before <= row.pop("started_at") <= row.pop("completed_at") <= row.pop("heartbeat_at")
    assert json.loads(row.pop("hyperparameters")) == {"factors": 64, "reg": 0.01, "alpha": 40}
    assert json.loads(row.pop("extra_metrics")) == {
        "baseline": {"recall@10": 0.117},
        "validation": {"recall@10": 0.3, "ndcg@10": 0.15},
    }
    assert 0 < row.pop("training_time_seconds") < 60
    assert 0 <= row.pop("elapsed_ms") < 60_000
    here = process.current()
    assert row == {
        "run_id": "als_1",
        "model_type": "als",
        "status": "completed",
        "recall_at_10": 0.234,
        "recall_at_20": None,
        "ndcg_at_10": 0.189,
        "ndcg_at_20": None,
        "coverage": 0.4,
        "rmse": None,
        "mae": None,
        "baseline_recall_at_10": 0.117,
        "improvement_pct": pytest.approx(100.0),
        "best_iteration": 2,
        "data_version": "2003-05-01",
        "git_commit": "0123abc",
        "artifacts_path": "artifacts/als/v1_20250115_103000",
        "error": None,
        "host": here.host,
        "pid": here.pid,
        "process_started_at": here.started_at,
    }
    columns = ("iteration", "loss", "validation_recall", "validation_ndcg", "wall_time_seconds")
    assert [tuple(row[column] for column in columns) for row in iterations] == [
        (1, 125.34, 0.1, 0.05, 1.2),
        (2, 98.12, 0.2, 0.1, 1.2),
        (3, 90.0, 0.3, 0.15, 1.2),
    ]


def test_a_model_of_ratings_has_rmse_mae_and_folds(registry: CollectorRegistry, store_url: str) -> None:
    with TrainingRun("svd", store_url=store_url, registry=registry) as run:
        run.cross_validation({"rmse": [0.9, 0.92, 0.94], "mae": [0.7, 0.7, 0.7]})
        run.evaluation({"RMSE": 0.91, "mae": 0.7, "fcp": 0.65}, baseline={"RMSE": 1.0})
    with open_store(store_url) as store:
        (row,) = store.runs()
    assert (row["rmse"], row["mae"]) == (0.91, 0.7)
    assert row["improvement_pct"] == pytest.approx(9.0)
    assert json.loads(row["extra_metrics"]) == {
        "fcp": 0.65,
        "baseline": {"RMSE": 1.0},
        "cross_validation": {
            "folds": 3,
            "rmse": {"mean": pytest.approx(0.92), "std": pytest.approx(0.01633, rel=1e-3)},
            "mae": {"mean": pytest.approx(0.7), "std": pytest.approx(0.0)},
        },
    }


def test_counts_grow_over_processes(train: Train, store_url: str) -> None:
    def counts(registry: CollectorRegistry) -> list[float | None]:
        labels = [{"model": "als", "status": status} for status in ("completed", "failed")]
        return [registry.get_sample_value("training_runs_total", label) for label in labels]

    first, second, third = (CollectorRegistry() for _ in range(3))  # as three processes have
    train(registry=first, store_url=store_url)
    assert counts(first) == [1, 0]
    train(registry=second, store_url=store_url, fail=True)
    assert counts(second) == [1, 1]
    train(registry=third, store_url=store_url)
    assert counts(third) == [2, 1]
    train(registry=third, store_url=store_url)
    assert counts(third) == [3, 1]
