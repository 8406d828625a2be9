import inspect
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from recwatch.store import open_store
from recwatch.training import TrainingRun, start_run

Train = Callable[..., TrainingRun]


def test_log_lines(train: Train, tmp_path: Path) -> None:
    train(log_dir=tmp_path / "cf")
    lines = (tmp_path / "cf" / "als.log").read_text(encoding="utf-8").splitlines()
    times, levels, texts = zip(*(line.split(" | ", 2) for line in lines), strict=True)
    for time in times:
        datetime.strptime(time, "%Y-%m-%d %H:%M:%S").astimezone()
    assert set(levels) == {"INFO"}
    assert texts == (
        "Training started | factors=64, reg=0.01, alpha=40",
        "Iteration 1/3 | loss=125.34, time=1.2s",
        "Validation | recall@10=0.1, ndcg@10=0.05",
        "Iteration 2/3 | loss=98.12, time=1.2s",
        "Validation | recall@10=0.2, ndcg@10=0.1",
        "Iteration 3/3 | loss=90, time=1.2s",
        "Validation | recall@10=0.3, ndcg@10=0.15",
        "Early stopping | best_iteration=2, best_ndcg@10=0.1",
        "Training completed | total_time=0.0s",
        "Evaluation | recall@10=0.234, ndcg@10=0.189, coverage=0.4",
        "Baseline | recall@10=0.117",
        "Artifacts saved | path=artifacts/als/v1_20250115_103000",
    )


def test_a_model_that_trains_in_epochs_says_so(registry: CollectorRegistry, tmp_path: Path) -> None:
    with TrainingRun("bpr", parameters={"epochs": 50}, log_dir=tmp_path, registry=registry) as run:
        run.iteration(1, 50, loss=0.523, seconds=28.5, samples=1600000)
        run.early_stopping(1, {"ndcg@10": 0.192})
    text = (tmp_path / "bpr.log").read_text()
    assert " | INFO | Epoch 1/50 | avg_loss=0.523, samples=1600000, time=28.5s\n" in text
    assert " | INFO | Early stopping | best_epoch=1, best_ndcg@10=0.192\n" in text


def test_two_runs_write_each_line_once(train: Train, tmp_path: Path) -> None:
    for _ in range(2):
        train(log_dir=tmp_path)
    assert (tmp_path / "als.log").read_text().count("Training started") == 2
    assert logging.getLogger("recwatch.training.als").handlers == []


def test_metrics(registry: CollectorRegistry) -> None:
    newest = datetime(2003, 5, 1, tzinfo=UTC)
    before = datetime.now(UTC).timestamp()
    run = TrainingRun("als", parameters={}, data_timestamp=newest, registry=registry)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model": "als", **labels})

    with run:
        assert value("training_in_progress") == 1
        assert value("training_runs_total", status="completed") == 0
        assert value("training_runs_total", status="failed") == 0
        run.iteration(1, 2, loss=3.0)
        assert value("training_loss") == 3.0
        assert value("training_iteration_duration_seconds_count") == 1
        run.validation({"ndcg@10": 0.1})
        run.evaluation({"ndcg@10": 0.2}, baseline={"ndcg@10": 0.15})
        run.cross_validation({"rmse": [0.9, 1.1]})
    assert value("training_in_progress") == 0
    assert value("training_runs_total", status="completed") == 1
    assert value("training_metric", metric="ndcg@10", split="validation") == 0.1
    assert value("training_metric", metric="ndcg@10", split="test") == 0.2
    assert value("training_metric", metric="rmse", split="cross_validation") == 1.0
    assert value("training_metric", metric="rmse_std", split="cross_validation") == pytest.approx(0.1)
    assert value("training_baseline_metric", metric="ndcg@10") == 0.15
    assert value("training_data_timestamp_seconds") == newest.timestamp()
    assert (value("training_last_success_timestamp_seconds") or 0) >= before
    assert value("training_last_failure_timestamp_seconds") is None
    assert 0 < (value("training_duration_seconds") or 0) < 60


class Diverged(Exception):  # noqa: N818 - reads as what happened
    pass


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Diverged("loss is NaN"), "Diverged: loss is NaN"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(143), "SystemExit: 143"),
    ],
)
def test_a_failure_is_kept_and_raised(
    registry: CollectorRegistry, store_url: str, tmp_path: Path, error: BaseException, text: str
) -> None:
    run = TrainingRun("als", parameters={}, store_url=store_url, log_dir=tmp_path, registry=registry)

    def fail() -> None:
        with run:
            run.iteration(1, 15, loss=1.0)
            raise error

    with pytest.raises(type(error)):
        fail()
    assert (run.status, run.error) == ("failed", error)
    assert registry.get_sample_value("training_runs_total", {"model": "als", "status": "failed"}) == 1
    assert registry.get_sample_value("training_in_progress", {"model": "als"}) == 0
    assert registry.get_sample_value("training_last_success_timestamp_seconds", {"model": "als"}) is None
    assert registry.get_sample_value("training_last_failure_timestamp_seconds", {"model": "als"})
    with open_store(store_url) as store:
        (row,) = store.runs()
        assert (row["status"], row["error"]) == ("failed", text)
        assert len(store.iterations(run.run_id)) == 1
    shown = f'"{text}"' if " " in text else text
    last = (tmp_path / "als.log").read_text().splitlines()[-1]
    assert f" | ERROR | Training failed | error={shown}, total_time=" in last


def test_an_error_shows_no_password(registry: CollectorRegistry, store_url: str) -> None:
    run = TrainingRun("als", store_url=store_url, registry=registry).start()
    run.fail(ConnectionError("postgresql://trainer:secret@db/ratings is down"))
    with open_store(store_url) as store:
        assert store.runs()[0]["error"] == "ConnectionError: postgresql://trainer:***@db/ratings is down"


def test_runs_are_told_apart(registry: CollectorRegistry) -> None:
    names = {TrainingRun("als", registry=registry).run_id for _ in range(100)}
    assert len(names) == 100


def test_what_is_not_finite_is_not_shown(registry: CollectorRegistry, store_url: str) -> None:
    nan = float("nan")

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model": "als", **labels})

    with TrainingRun("als", store_url=store_url, registry=registry) as run:
        run.iteration(1, loss=2.0, seconds=1.5)
        run.validation({"ndcg@10": 0.1})
        assert value("training_loss") == 2.0
        assert value("training_loss_not_finite") == 0.0
        run.iteration(2, loss=nan, seconds=nan)
        run.validation({"ndcg@10": nan})
        run.evaluation({"recall@10": nan}, baseline={"recall@10": float("inf")})
    assert value("training_loss") is None
    assert value("training_loss_not_finite") == 1.0
    for split in ("validation", "test"):
        assert value("training_metric", metric="ndcg@10", split=split) is None
        assert value("training_metric", metric="recall@10", split=split) is None
    assert value("training_baseline_metric", metric="recall@10") is None
    assert value("training_iteration_duration_seconds_sum") == 1.5
    with open_store(store_url) as store:
        second = store.iterations(run.run_id)[1]
        [row] = store.runs()
    assert (second["loss"], second["wall_time_seconds"], second["validation_ndcg"]) == (None, None, None)
    assert (row["recall_at_10"], row["baseline_recall_at_10"]) == (None, None)


def test_names_that_are_no_texts(registry: CollectorRegistry, store_url: str, tmp_path: Path) -> None:
    parameters: dict[Any, Any] = {1: 2, "name": "x", "message": 3}
    with TrainingRun(
        "als", parameters=parameters, store_url=store_url, log_dir=tmp_path, registry=registry
    ) as run:
        run.validation({10: 0.5})  # type: ignore[dict-item]
        run.cross_validation({"folds": [1.0, 3.0]})
    text = (tmp_path / "als.log").read_text()
    assert "Training started | 1=2, name=x, message=3\n" in text
    assert "Validation | 10=0.5\n" in text
    assert "Cross-validation | folds=2, folds_=2.000 ± 1.000\n" in text
    with open_store(store_url) as store:
        [row] = store.runs()
    assert json.loads(row["extra_metrics"])["cross_validation"]["folds"] == 2
    assert json.loads(row["hyperparameters"]) == {"1": 2, "name": "x", "message": 3}


@pytest.mark.parametrize("run_id", ["x\ud800", "a\x00b", "'; drop table training_runs;--", "ü💥\n\x1b[31m"])
def test_any_run_id_has_its_row(registry: CollectorRegistry, store_url: str, run_id: str) -> None:
    run = TrainingRun(
        "als\ud800", run_id=run_id, store_url=store_url, data_version="\udfff", registry=registry
    )
    with run:
        run.iteration(1, loss=1.0)
        run.saved("artifacts/\udce4")
    with open_store(store_url) as store:
        [row] = store.runs()
        assert len(store.iterations(run.run_id)) == 1
    assert (row["run_id"], row["status"]) == (run.run_id, "completed")
    assert row["artifacts_path"] == "artifacts/\\udce4"
    assert b"als\\\\ud800" in generate_latest(registry)


def test_start_run_takes_what_a_run_takes() -> None:
    ours, other = (dict(inspect.signature(made).parameters) for made in (start_run, TrainingRun))
    assert ours == other
