import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.errors import QualityError, StoreError
from recwatch.exposition import render
from recwatch.lifetime import flush_all
from recwatch.quality import (
    Classification,
    Experiment,
    QualityMonitor,
    Ranking,
    Regression,
    Suggestions,
    Window,
)

Counted = Callable[..., dict[str, float]]
MakeMonitor = Callable[..., QualityMonitor]


@pytest.fixture
def make(registry: CollectorRegistry, clock: Any) -> Iterator[MakeMonitor]:
    """A monitor that is closed in the end: `make("reviews", task=..., ...)`."""
    made: list[QualityMonitor] = []

    def monitor(model: str = "reviews", **values: Any) -> QualityMonitor:
        usual: dict[str, Any] = {
            "task": Classification(),
            "interval": 3_600,
            "registry": registry,
            "clock": clock,
        }
        made.append(QualityMonitor(model, **{**usual, **values}))
        return made[-1]

    yield monitor
    for each in made:
        each.close()


def feed(monitor: QualityMonitor, pairs: int, *, first: int = 0, **values: Any) -> None:
    for number in range(first, first + pairs):
        monitor.record_prediction(f"p{number}", score=0.9 if number % 4 else 0.1, **values)
        monitor.record_feedback(f"p{number}", 1 if number % 2 else 0)


@pytest.mark.parametrize("where", ["memory", "store"])
def test_metrics_are_judged_and_exported(
    make: MakeMonitor, registry: CollectorRegistry, store_url: str, where: str
) -> None:
    monitor = make(baseline={"accuracy": 0.9, "recall": 0.9}, store=store_url if where == "store" else None)
    feed(monitor, 40)
    assert monitor.flush() is True

    def value(name: str, metric: str) -> float | None:
        return registry.get_sample_value(name, {"model": "reviews", "metric": metric})

    assert [value("model_quality", metric) for metric in ("accuracy", "recall")] == [
        0.75,
        None,
    ]  # 20 positives
    assert value("model_quality_baseline", "recall") == 0.9
    assert value("model_quality_degraded", "accuracy") == 1.0
    assert value("model_quality_degraded", "recall") is None
    assert registry.get_sample_value("model_quality_samples", {"model": "reviews"}) == 40
    status = monitor.status()
    assert json.loads(json.dumps(status, allow_nan=False)) == status
    assert status["metrics"]["recall"] == {"value": None, "samples": 20, "baseline": 0.9, "degraded": None}
    assert (status["samples"], status["degraded"], status["task"]) == (40, ["accuracy"], "Classification")


def test_a_metric_goes_with_its_samples(make: MakeMonitor, registry: CollectorRegistry, clock: Any) -> None:
    monitor = make(window=Window(count=100, seconds=60.0))
    feed(monitor, 40)
    monitor.flush()
    clock.now += 61
    monitor.flush()
    text = render(registry)[0].decode()
    assert 'model_quality{metric="accuracy"' not in text
    assert "NaN" not in text
    assert registry.get_sample_value("model_quality_samples", {"model": "reviews"}) == 0


def test_a_prediction_id_is_nowhere_in_the_metrics(make: MakeMonitor, registry: CollectorRegistry) -> None:
    monitor = make()
    monitor.record_prediction("secret-17", score=0.5)
    monitor.record_feedback("secret-17", 1)
    monitor.flush()
    assert "secret" not in render(registry)[0].decode()


@pytest.mark.parametrize(
    ("prediction_id", "values"),
    [
        (None, {"score": 0.5}),
        ("x" * 10_000, {"score": 0.5}),
        ("p", {"score": math.nan}),
        ("p", {"score": "high"}),
        ("p", {}),
        ("p", {"score": 0.5, "timestamp": datetime(2026, 11, 21)}),  # noqa: DTZ001
        ("p", {"score": 0.5, "variant": None}),
        ("p", {"score": 0.5, "variant": ["unhashable"]}),
        ("p", {"score": 0.5, "unit": 1.5}),
        ("p", {"score": 0.5, "features": {"x": math.nan}}),
        ("p", {"score": 0.5, "version": 3}),
    ],
)
def test_what_cannot_be_used_is_counted_and_never_raises(
    make: MakeMonitor, dropped: Callable[[str], float], prediction_id: Any, values: dict[str, Any]
) -> None:
    monitor = make()
    assert monitor.record_prediction(prediction_id, **values) is False
    assert dropped("invalid") == 1
    with pytest.raises(QualityError, match=r"must be|needs a score"):
        make("strict", strict=True).record_prediction(prediction_id, **values)


@pytest.mark.parametrize("variant", ["treat", "default", None, ["treatment"]])
def test_a_variant_that_is_no_arm_is_refused(
    make: MakeMonitor, dropped: Callable[[str], float], clock: Any, variant: Any
) -> None:
    shares = {"control": 0.5, "treatment": 0.5}
    experiment = Experiment("ab", shares, "control", datetime.fromtimestamp(clock.now, UTC))
    assert make(experiment=experiment).record_prediction("p", score=0.5, variant=variant) is False
    assert dropped("invalid") == 1
    with pytest.raises(QualityError, match=r"one of \['control', 'treatment'\], the arms of ab; got"):
        make(experiment=experiment, strict=True).record_prediction("p", score=0.5, variant=variant)


@pytest.mark.parametrize("label", [math.nan, 2, "1", None])
def test_a_label_that_cannot_be_used_is_counted_and_never_raises(
    make: MakeMonitor, dropped: Callable[[str], float], label: Any
) -> None:
    assert make().record_feedback("p", label) is False
    assert dropped("invalid") == 1
    with pytest.raises(QualityError, match="label must be"):
        make("strict", strict=True).record_feedback("p", label)


def test_a_fault_in_a_task_costs_a_count(make: MakeMonitor, dropped: Callable[[str], float]) -> None:
    class Broken(Regression):
        def check_label(self, label: object) -> Any:
            raise RuntimeError(label)

    assert make(task=Broken()).record_feedback("p", 1) is False
    assert dropped("error") == 1


def test_times_may_be_given(make: MakeMonitor, clock: Any, registry: CollectorRegistry) -> None:
    monitor = make(expiry=timedelta(days=1))
    at = datetime.fromtimestamp(clock.now, UTC)
    monitor.record_prediction("p", score=0.5, timestamp=at - timedelta(hours=3))
    monitor.record_feedback("p", 1, labelled_at=at - timedelta(hours=1))
    monitor.flush()
    assert registry.get_sample_value("model_feedback_lag_seconds_sum", {"model": "reviews"}) == 7_200


def test_models_stand_side_by_side(make: MakeMonitor, registry: CollectorRegistry, counted: Counted) -> None:
    reviews, stars = make("reviews"), make("stars", task=Regression(), min_samples=1)
    feed(reviews, 40)
    stars.record_prediction("p0", predicted=3.5)
    stars.record_feedback("p0", 4)
    assert reviews.flush()
    assert stars.flush()
    assert (counted("reviews")["feedback"], counted("stars")["feedback"]) == (40, 1)
    assert registry.get_sample_value("model_quality", {"model": "stars", "metric": "mae"}) == 0.5


def test_a_ranking_and_suggestions_know_who_did_not_answer(make: MakeMonitor, clock: Any) -> None:
    lists = make("lists", task=Ranking(k=2), min_samples=1, expiry=100)
    asked = make("asked", task=Suggestions(), min_samples=1, expiry=100)
    for number in range(4):
        lists.record_prediction(f"l{number}", items=["a", "b"])
        asked.record_prediction(f"s{number}", unit=f"user-{number % 2}")
    lists.record_feedback("l0", "b")
    asked.record_feedback("s0", 1)
    clock.now += 101
    for monitor in (lists, asked):
        monitor.flush()
    assert lists.status()["metrics"]["ctr"]["value"] == 1 / 8
    assert asked.status()["metrics"]["acceptance_rate"]["value"] == 1 / 4
    assert asked.status()["metrics"]["engagement_rate"]["value"] == 1 / 2


@pytest.mark.parametrize("where", ["memory", "store"])
def test_an_experiment_counts_from_its_beginning_over_restarts_and_beyond_the_window(
    make: MakeMonitor, registry: CollectorRegistry, tmp_path: Path, clock: Any, where: str
) -> None:
    experiment = Experiment(
        name="rerank",
        shares={"control": 0.5, "rerank": 0.5},
        control="control",
        began=datetime.fromtimestamp(clock.now, UTC),
        sharpest_at=400,
    )
    places: dict[str, dict[str, Any]] = {
        "memory": {"state": tmp_path / "state.npz"},
        "store": {"store": f"sqlite:///{tmp_path}/store.db"},
    }
    kept = places[where]

    def run(first: int) -> QualityMonitor:
        monitor = make(window=Window(count=10), experiment=experiment, **kept)
        for number in range(first, first + 400):
            variant = "rerank" if number % 2 else "control"
            monitor.record_prediction(f"p{number}", score=0.9, variant=variant)
            monitor.record_feedback(
                f"p{number}", int(number % 20 in {0, 2, 4} or (number % 2 and number % 10 != 1))
            )
        before = datetime.fromtimestamp(clock.now - 1, UTC)
        assert monitor.record_prediction("before", score=0.9, variant="other", timestamp=before) is True
        assert monitor.flush(60) is True
        return monitor

    assert run(0).close() is True
    found = run(400).status()["experiment"]
    assert found["assigned"] == {"control": 400, "rerank": 400}
    assert found["sample_ratio_p_value"] == 1.0
    arm = found["arms"]["rerank"]["accuracy"]
    assert (arm["value"], arm["samples"]) == (pytest.approx(0.8), 400)
    assert arm["difference"]["value"] == pytest.approx(0.5)
    assert arm["difference"]["p_value"] < 1e-6
    labels = {"model": "reviews", "variant": "rerank", "metric": "accuracy"}
    for name, value in (
        ("model_variant_quality", arm["value"]),
        ("model_variant_difference", arm["difference"]["value"]),
        ("model_variant_difference_low", arm["difference"]["low"]),
        ("model_variant_difference_high", arm["difference"]["high"]),
        ("model_variant_p_value", arm["difference"]["p_value"]),
    ):
        assert registry.get_sample_value(name, labels) == value
    assert (
        registry.get_sample_value("model_variant_samples", {"model": "reviews", "variant": "rerank"}) == 400
    )
    assert registry.get_sample_value("model_sample_ratio_p_value", {"model": "reviews"}) == 1.0
    labels["variant"] = "control"
    assert registry.get_sample_value("model_variant_difference", labels) is None


def test_a_locked_database_holds_up_no_request(
    make: MakeMonitor, store_url: str, counted: Counted, dropped: Callable[[str], float]
) -> None:
    monitor = make(store=store_url)
    feed(monitor, 10)
    assert monitor.flush() is True
    monitor._journal._timeout = 0.05  # type: ignore[attr-defined]
    monitor._journal._engine.dispose()  # type: ignore[attr-defined]
    monitor._journal._engine = None  # type: ignore[attr-defined]
    lock = sqlite3.connect(store_url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    feed(monitor, 10, first=10)
    assert monitor.flush() is False
    assert dropped("locked") == 0  # nothing is lost
    lock.execute("ROLLBACK")
    lock.close()
    assert monitor.flush() is True
    assert (counted()["prediction"], counted()["feedback"]) == (20, 20)


def test_a_server_that_is_away_for_a_while_costs_nothing(
    make: MakeMonitor,
    postgresql: Any,
    postgresql_url: str,
    counted: Counted,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor = make(store=postgresql_url)
    feed(monitor, 10)
    assert monitor.flush(30) is True
    data, log = str(postgresql._folder / "data"), str(postgresql._folder / "log")
    postgresql.run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    try:
        feed(monitor, 10, first=10)
        assert monitor.flush(30) is False
        assert "Write dropped | target=quality, reason=unavailable, writes=0" in caplog.text
    finally:
        options = f"-p {postgresql._port} -c listen_addresses=127.0.0.1 -c fsync=off -k {postgresql._folder}"
        postgresql.run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
    assert monitor.flush(30) is True
    assert (counted()["prediction"], counted()["feedback"], counted()["duplicate"]) == (20, 20, 0)
    assert monitor.status()["samples"] == 20


def test_a_closed_monitor_takes_no_more(make: MakeMonitor, dropped: Callable[[str], float]) -> None:
    monitor = make()
    feed(monitor, 1)
    assert monitor.close() is True
    assert monitor.close() is True
    assert monitor.record_prediction("late", score=0.5) is False
    assert monitor.record_feedback("late", 1) is False
    assert dropped("closed") == 2


def test_it_closes_with_its_block(make: MakeMonitor, store_url: str) -> None:
    with make(store=store_url) as monitor:
        feed(monitor, 10)
    with make(store=store_url) as again:
        again.flush()
        assert again.status()["samples"] == 10


def test_a_store_that_cannot_be_had_does_not_hold_up_the_end(
    make: MakeMonitor, dropped: Callable[[str], float]
) -> None:
    monitor = make(store="postgresql+psycopg://127.0.0.1:1/nowhere")
    feed(monitor, 5)
    assert monitor.close(30) is False
    assert dropped("closed") == 10


def test_a_child_in_memory_begins_anew_and_counts_nothing_twice(
    make: MakeMonitor, counted: Counted, tmp_path: Path
) -> None:
    monitor = make(state=tmp_path / "state.npz")
    feed(monitor, 50)
    child = os.fork()
    if child == 0:
        flushed = monitor.flush(30) and counted()["feedback"] == 0 and monitor.status()["samples"] == 0
        feed(monitor, 10)
        os._exit(0 if flushed and monitor.flush(30) and counted()["feedback"] == 10 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert monitor.flush() is True
    assert counted()["feedback"] == 50
    assert monitor.status()["samples"] == 50


@pytest.fixture(params=["memory", "store"])
def kept(request: pytest.FixtureRequest, store_url: str) -> dict[str, Any]:
    """Where a monitor keeps its records."""
    return {"store": store_url if request.param == "store" else None}


def late_labels(monitor: QualityMonitor, clock: Any) -> None:
    """Two predictions whose labels arrive when both expired: one was given in time, the other was not."""
    in_time = datetime.fromtimestamp(clock.now + 90, UTC)
    too_late = datetime.fromtimestamp(clock.now + 110, UTC)
    for key in ("a", "b"):
        monitor.record_prediction(key, predicted=1)
    clock.now += 200
    assert monitor.flush(30) is True
    monitor.record_feedback("a", 1, labelled_at=in_time)
    monitor.record_feedback("b", 1, labelled_at=too_late)
    assert monitor.flush(30) is True


def test_a_label_of_a_nightly_batch_joins_where_its_lack_counted_as_nothing(
    make: MakeMonitor, clock: Any, kept: dict[str, Any], counted: Counted
) -> None:
    monitor = make(expiry=100, min_samples=1, **kept)
    late_labels(monitor, clock)
    assert [counted()[name] for name in ("feedback", "expired", "unlabelled")] == [1, 1, 2]
    assert monitor.status()["metrics"]["accuracy"]["value"] == 1.0


@pytest.mark.parametrize("grace", [None, 3_600])
def test_a_longer_grace_is_for_those_whose_lack_counted(
    make: MakeMonitor, clock: Any, kept: dict[str, Any], counted: Counted, grace: float | None
) -> None:
    monitor = make(task=Suggestions(), expiry=100, min_samples=1, grace=grace, **kept)
    late_labels(monitor, clock)
    events = [counted()[name] for name in ("feedback", "expired", "unlabelled")]
    rate = monitor.status()["metrics"]["acceptance_rate"]["value"]
    assert (events, rate) == (([0, 2, 2], 0.0) if grace is None else ([1, 1, 0], 1.0))


def test_a_child_writes_its_own_and_leaves_the_parent_s(
    make: MakeMonitor, store_url: str, counted: Counted
) -> None:
    monitor = make(store=store_url)
    feed(monitor, 10)
    assert monitor.flush() is True
    feed(monitor, 10, first=10)
    child = os.fork()
    if child == 0:
        feed(monitor, 10, first=20)
        os._exit(0 if monitor.flush(30) and counted()["prediction"] == 20 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert monitor.flush() is True
    assert counted()["prediction"] == 20
    assert monitor.status()["samples"] == 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"store": "sqlite://", "state": "x"}, "leave `state` out"),
        ({"drop": -1}, "drop must be 0 or more"),
        ({"drop": math.nan}, "drop must be a finite number"),
        ({"interval": math.nan}, "interval must be a finite number"),
        ({"refresh": math.nan}, "refresh must be a finite number"),
        ({"grace": -1}, "grace must be 0 or more"),
        ({"expiry": 0}, "expiry must be above 0"),
        ({"patience": timedelta(0)}, "patience must be above 0"),
        ({"baseline": {"auroc": 0.5}}, "baseline names"),
        ({"model": ""}, "model must be a text"),
    ],
)
def test_settings_are_checked(make: MakeMonitor, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(QualityError, match=message):
        make(**settings)


@pytest.mark.parametrize("url", ["data/store.db", "sqlite://data/store.db", "sqlite://"])
def test_a_store_that_cannot_be_used_is_refused_at_the_start(make: MakeMonitor, url: str) -> None:
    with pytest.raises(
        StoreError, match=r"cannot be used: .* write (one such as )?sqlite:///data/store\.db$"
    ):
        make(store=url)


def test_before_the_first_evaluation_the_status_is_empty(make: MakeMonitor) -> None:
    assert make().status() == {
        "model": "reviews",
        "task": "Classification",
        "window": {"count": 1_000, "seconds": None},
        "evaluated_at": None,
        "samples": 0,
        "metrics": {},
        "degraded": [],
        "experiment": None,
    }


def test_a_state_file_is_written_when_an_application_ends(make: MakeMonitor, tmp_path: Path) -> None:
    monitor = make(state=tmp_path / "state.npz")
    feed(monitor, 40)
    flush_all()
    # As if the process had ended here, without a close.
    again = make(state=tmp_path / "state.npz")
    assert again.flush() is True
    assert again.status()["samples"] == 40
