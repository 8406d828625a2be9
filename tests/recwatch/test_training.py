import json
import logging
import socket
import sqlite3
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from recwatch.store import open_store
from recwatch.testing import free_port
from recwatch.training import TrainingRun


class Diverged(Exception):  # noqa: N818 - reads as what happened
    pass


def train(model: str = "als", *, fail: bool = False, **options: Any) -> TrainingRun:
    """A whole training of three rounds."""
    run = TrainingRun(model, parameters={"factors": 64, "reg": 0.01, "alpha": 40}, **options)
    with run:
        for number, loss in enumerate((125.34, 98.12, 90.0), start=1):
            run.iteration(number, 3, loss=loss, seconds=1.2)
            run.validation({"recall@10": number / 10, "ndcg@10": number / 20})
        if fail:
            raise Diverged("loss is NaN")
        run.early_stopping(2, {"ndcg@10": 0.1})
        run.evaluation({"recall@10": 0.234, "ndcg@10": 0.189, "coverage": 0.4}, baseline={"recall@10": 0.117})
        run.saved(Path("artifacts/als/v1_20250115_103000"))
    return run


def dropped(registry: CollectorRegistry, target: str, reason: str) -> float | None:
    return registry.get_sample_value("recwatch_dropped_writes_total", {"target": target, "reason": reason})


def test_log_lines(registry: CollectorRegistry, tmp_path: Path) -> None:
    train(registry=registry, log_dir=tmp_path / "cf")
    lines = (tmp_path / "cf" / "als.log").read_text().splitlines()
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


def test_two_runs_write_each_line_once(registry: CollectorRegistry, tmp_path: Path) -> None:
    for _ in range(2):
        train(registry=registry, log_dir=tmp_path)
    assert (tmp_path / "als.log").read_text().count("Training started") == 2
    assert logging.getLogger("recwatch.training.als").handlers == []


# Columns that the training does not fill yet.
LATER = {
    *("rmse", "mae", "extra_metrics", "best_iteration", "error"),
    *("host", "pid", "process_started_at", "heartbeat_at"),
}


def test_rows(registry: CollectorRegistry, store_url: str) -> None:
    before = datetime.now(UTC)
    run = train(
        registry=registry, store_url=store_url, data_version="2003-05-01", commit="0123abc", run_id="als_1"
    )
    assert (run.run_id, run.error) == ("als_1", None)
    with open_store(store_url) as store:
        (row,) = store.runs()
        iterations = store.iterations("als_1")
    assert before <= row.pop("started_at") <= row.pop("completed_at") <= datetime.now(UTC)
    assert json.loads(row.pop("hyperparameters")) == {"factors": 64, "reg": 0.01, "alpha": 40}
    assert 0 < row.pop("training_time_seconds") < 60
    assert {column: value for column, value in row.items() if column not in LATER} == {
        "run_id": "als_1",
        "model_type": "als",
        "status": "completed",
        "recall_at_10": 0.234,
        "recall_at_20": None,
        "ndcg_at_10": 0.189,
        "ndcg_at_20": None,
        "coverage": 0.4,
        "baseline_recall_at_10": 0.117,
        "improvement_pct": pytest.approx(100.0),
        "data_version": "2003-05-01",
        "git_commit": "0123abc",
        "artifacts_path": "artifacts/als/v1_20250115_103000",
    }
    columns = ("iteration", "loss", "validation_recall", "validation_ndcg", "wall_time_seconds")
    assert [tuple(row[column] for column in columns) for row in iterations] == [
        (1, 125.34, 0.1, 0.05, 1.2),
        (2, 98.12, 0.2, 0.1, 1.2),
        (3, 90.0, 0.3, 0.15, 1.2),
    ]


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
    assert value("training_in_progress") == 0
    assert value("training_runs_total", status="completed") == 1
    assert value("training_metric", metric="ndcg@10", split="validation") == 0.1
    assert value("training_metric", metric="ndcg@10", split="test") == 0.2
    assert value("training_baseline_metric", metric="ndcg@10") == 0.15
    assert value("training_data_timestamp_seconds") == newest.timestamp()
    assert (value("training_last_success_timestamp_seconds") or 0) >= before
    assert value("training_last_failure_timestamp_seconds") is None
    assert 0 < (value("training_duration_seconds") or 0) < 60


@pytest.mark.parametrize("error", [Diverged("loss is NaN"), KeyboardInterrupt(), SystemExit(143)])
def test_a_failure_is_kept_and_raised(
    registry: CollectorRegistry, store_url: str, tmp_path: Path, error: BaseException
) -> None:
    run = TrainingRun("als", parameters={}, store_url=store_url, log_dir=tmp_path, registry=registry)

    def fail() -> None:
        with run:
            run.iteration(1, 15, loss=1.0)
            raise error

    with pytest.raises(type(error)):
        fail()
    assert run.error is error
    assert registry.get_sample_value("training_runs_total", {"model": "als", "status": "failed"}) == 1
    assert registry.get_sample_value("training_in_progress", {"model": "als"}) == 0
    assert registry.get_sample_value("training_last_success_timestamp_seconds", {"model": "als"}) is None
    assert registry.get_sample_value("training_last_failure_timestamp_seconds", {"model": "als"})
    with open_store(store_url) as store:
        assert [row["status"] for row in store.runs()] == ["failed"]
        assert len(store.iterations(run.run_id)) == 1
    last = (tmp_path / "als.log").read_text().splitlines()[-1]
    assert f" | ERROR | Training failed | error={type(error).__name__}: {error}, total_time=" in last


def test_counts_grow_over_processes(store_url: str) -> None:
    def counts(registry: CollectorRegistry) -> list[float | None]:
        labels = [{"model": "als", "status": status} for status in ("completed", "failed")]
        return [registry.get_sample_value("training_runs_total", label) for label in labels]

    first, second, third = (CollectorRegistry() for _ in range(3))  # as three processes have
    train(registry=first, store_url=store_url)
    assert counts(first) == [1, 0]
    with pytest.raises(Diverged):
        train(registry=second, store_url=store_url, fail=True)
    assert counts(second) == [1, 1]
    train(registry=third, store_url=store_url)
    assert counts(third) == [2, 1]
    train(registry=third, store_url=store_url)
    assert counts(third) == [3, 1]


def pushed(gateway: str, model: str) -> dict[tuple[str, ...], float]:
    """What a Pushgateway holds of a model: (name, other labels ...) to value."""
    page = requests.get(f"http://{gateway}/metrics", timeout=10).text
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.pop("model", None) == model:
                assert labels.pop("job") == "training"
                labels.pop("instance")
                found[sample.name, *labels.values()] = sample.value
    return found


def test_a_real_pushgateway_over_several_runs(pushgateway: str, store_url: str) -> None:
    model = f"als-{uuid.uuid4().hex}"
    history = []
    for fail in (False, True, False, True):
        options: dict[str, Any] = {"store_url": store_url, "pushgateway": pushgateway}
        registry = CollectorRegistry()
        if fail:
            with pytest.raises(Diverged):
                train(model, fail=True, registry=registry, **options)
        else:
            train(model, registry=registry, **options)
        assert dropped(registry, "pushgateway", "unreachable") == 0
        history.append(pushed(pushgateway, model))

    runs = [(at["training_runs_total", "completed"], at["training_runs_total", "failed"]) for at in history]
    assert runs == [(1, 0), (1, 1), (2, 1), (2, 2)]
    success = [at["training_last_success_timestamp_seconds",] for at in history]
    assert success[0] == success[1] < success[2] == success[3]
    assert ("training_last_failure_timestamp_seconds",) not in history[0]
    assert history[1]["training_last_failure_timestamp_seconds",] >= success[1]
    for at in history:  # a failed run leaves the figures of the last good one
        assert at["training_metric", "recall@10", "test"] == 0.234
        assert at["training_in_progress",] == 0
        assert not [name for name, *_ in at if name.endswith("_created")]


def test_two_models_of_one_process_do_not_mix(pushgateway: str, registry: CollectorRegistry) -> None:
    first, second = f"als-{uuid.uuid4().hex}", f"bpr-{uuid.uuid4().hex}"
    train(first, registry=registry, pushgateway=pushgateway)
    with pytest.raises(Diverged):
        train(second, fail=True, registry=registry, pushgateway=pushgateway)
    assert dropped(registry, "pushgateway", "refused") == 0
    assert pushed(pushgateway, first)["training_runs_total", "completed"] == 1
    assert pushed(pushgateway, second)["training_runs_total", "completed"] == 0
    assert ("training_loss",) not in pushed(pushgateway, second)


@pytest.mark.parametrize("fail", [False, True])
def test_a_training_under_way_is_seen_at_the_pushgateway(
    pushgateway: str, registry: CollectorRegistry, *, fail: bool
) -> None:
    model = f"als-{uuid.uuid4().hex}"

    def run() -> None:
        with TrainingRun(model, parameters={}, registry=registry, pushgateway=pushgateway):
            found = pushed(pushgateway, model)
            ours = {key: value for key, value in found.items() if not key[0].startswith("push_")}
            assert ours == {("training_in_progress",): 1}
            if fail:
                raise Diverged

    with pytest.raises(Diverged) if fail else nullcontext():
        run()
    assert pushed(pushgateway, model)["training_in_progress",] == 0


def test_a_pushgateway_that_does_not_answer_is_not_waited_for_again(registry: CollectorRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run = train(registry=registry, pushgateway=f"127.0.0.1:{silent.getsockname()[1]}")
    assert run._push_timeout == 0.5
    assert dropped(registry, "pushgateway", "timeout") == 2


def test_a_pushgateway_that_is_down_costs_a_count_and_a_line(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    run = train(registry=registry, pushgateway=f"127.0.0.1:{free_port()}")
    assert run.error is None
    assert dropped(registry, "pushgateway", "unreachable") == 2  # at the start and at the end
    assert "Write dropped | target=pushgateway, reason=unreachable" in caplog.text


def test_a_store_that_stays_locked_costs_a_count_and_a_line(
    registry: CollectorRegistry, store_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    run = train(registry=registry, store_url=store_url)
    other.close()
    assert run.error is None
    assert registry.get_sample_value("training_runs_total", {"model": "als", "status": "completed"}) == 1
    assert dropped(registry, "store", "locked") == 4  # the run and three iterations
    assert "Store not written yet" in caplog.text
    assert "Write dropped | target=store, reason=locked, writes=4" in caplog.text


def test_a_store_that_was_locked_at_the_start_is_complete_in_the_end(
    registry: CollectorRegistry, store_url: str, tmp_path: Path
) -> None:
    open_store(store_url).close()
    other = sqlite3.connect(tmp_path / "store.db")
    other.execute("BEGIN IMMEDIATE")
    with TrainingRun("als", parameters={}, store_url=store_url, registry=registry) as run:
        other.rollback()
        for number in range(1, 4):
            run.iteration(number, 3, loss=1.0)
    other.close()
    assert dropped(registry, "store", "locked") == 0
    with open_store(store_url) as store:
        assert [row["status"] for row in store.runs()] == ["completed"]
        assert len(store.iterations(run.run_id)) == 3


def test_other_mishaps_fail_no_training(registry: CollectorRegistry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = train(registry=registry, store_url="sqlite:////proc/nowhere/store.db", log_dir=tmp_path / "file")
    assert run.error is None
    assert dropped(registry, "store", "unavailable") == 4
    assert dropped(registry, "log", "unwritable") == 1
    with TrainingRun("als", parameters={}, registry=registry) as run:
        run.evaluation({"ndcg@10": "not a number"})  # type: ignore[dict-item]
    assert run.error is None
    assert dropped(registry, "training", "error") == 1


def test_runs_are_told_apart(registry: CollectorRegistry) -> None:
    names = {TrainingRun("als", parameters={}, registry=registry).run_id for _ in range(100)}
    assert len(names) == 100
