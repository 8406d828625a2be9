from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]


@pytest.fixture
def run(make_check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        plain = {
            "type": "performance",
            "column": "score",
            "target": "label",
            "threshold": 0.05,
            "min_rows": 50,
        }
        check = make_check(**plain | keys)
        (found,) = run_check(check, now=START, deadline=deadline).findings
        return found

    return measured


def draw(seed: int, n: int, a: float, b: float, digits: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that are less likely than the scores say."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(a, b, n), digits)
    return scores, (rng.random(n) < scores**1.5).astype(int)


@pytest.fixture
def shifted(write: Write) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A reference with labels, and a current window without them, whose scores lie nearer to the cut."""
    scores, labels = draw(0, 1500, 0.8, 0.8)
    later, truth = draw(1, 1500, 6, 6)
    write("ref.parquet", score=scores, label=labels)
    write("cur.parquet", score=later)
    return scores, labels, later, truth


def test_less_certain_scores_are_a_loss_of_accuracy(
    run: Run, shifted: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> None:
    scores, labels, later, truth = shifted

    found = run()

    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, labels)

    def expected(x: np.ndarray) -> float:
        p = model.predict(x)
        return float(np.where(x >= 0.5, p, 1 - p).mean())

    measured = metrics.accuracy_score(labels, scores >= 0.5)
    assert found.details["measured_reference"] == pytest.approx(measured, abs=1e-12)
    assert found.details["estimated_reference"] == pytest.approx(expected(scores), abs=1e-12)
    assert found.details["estimated_current"] == pytest.approx(expected(later), abs=1e-12)
    assert found.effect_size == pytest.approx(expected(scores) - expected(later), abs=1e-12)
    assert found.statistic == pytest.approx(measured - (expected(scores) - expected(later)), abs=1e-12)
    assert found.statistic == pytest.approx(metrics.accuracy_score(truth, later >= 0.5), abs=0.03)
    assert (found.p_value, found.detected) == (0.001, True)
    assert found.details["loss_by_chance"][1] < 0.03
    assert len(found.details["bins"]["labels"]) == 20


@pytest.mark.parametrize("metric", ["precision", "recall", "f1", "roc_auc"])
@pytest.mark.parametrize("calibration", ["isotonic", "platt"])
def test_every_metric_comes_near_the_truth(
    run: Run, shifted: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], metric: str, calibration: str
) -> None:
    _, _, later, truth = shifted

    found = run(metric=metric, calibration=calibration)

    measure = {
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "f1": metrics.f1_score,
        "roc_auc": metrics.roc_auc_score,
    }[metric]
    wanted = measure(truth, later if metric == "roc_auc" else later >= 0.5)
    assert found.statistic == pytest.approx(wanted, abs=0.05 if calibration == "isotonic" else 0.08)


def test_identical_windows_lose_nothing(run: Run, write: Write) -> None:
    scores, labels = draw(0, 500, 1, 1)
    write("ref.parquet", score=scores, label=labels)
    write("cur.parquet", score=scores)

    found = run()

    assert found.effect_size == 0.0
    assert found.statistic == pytest.approx(metrics.accuracy_score(labels, scores >= 0.5), abs=1e-12)
    assert not found.detected


def test_many_different_scores_are_counted_in_cells(run: Run, write: Write) -> None:
    scores, labels = draw(0, 20_000, 0.8, 0.8, digits=9)
    later, truth = draw(1, 20_000, 6, 6, digits=9)
    write("ref.parquet", score=scores, label=labels)
    write("cur.parquet", score=later)

    found = run(metric="roc_auc")

    assert found.details["measured_reference"] == pytest.approx(
        metrics.roc_auc_score(labels, scores), abs=2e-3
    )
    assert found.statistic == pytest.approx(metrics.roc_auc_score(truth, later), abs=0.02)
    accuracy = run().details["measured_reference"]
    assert accuracy == pytest.approx(metrics.accuracy_score(labels, scores >= 0.5), abs=1e-12)


def test_few_different_scores_against_many(run: Run, write: Write) -> None:
    scores, labels = draw(0, 2_000, 0.8, 0.8)
    later, truth = draw(1, 5_000, 6, 6, digits=9)
    write("ref.parquet", score=scores, label=labels)
    write("cur.parquet", score=later)

    assert run().statistic == pytest.approx(metrics.accuracy_score(truth, later >= 0.5), abs=0.03)


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_errors_of_ratings(run: Run, write: Write, metric: str) -> None:
    """High predictions are further from what people give."""
    rng = np.random.default_rng(0)

    def predict(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        predicted = 1 + 4 * rng.beta(a, b, 10_000)
        return predicted, predicted + rng.normal(scale=0.2 * predicted)

    predicted, given = predict(2, 2)
    later, truth = predict(4, 2)
    write("ref.parquet", score=predicted, label=np.append(given[:-1], np.nan))
    write("cur.parquet", score=later)

    found = run(metric=metric, threshold=0.1)

    def measure(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.sqrt(np.mean((x - y) ** 2)) if metric == "rmse" else np.mean(np.abs(x - y)))

    assert found.details["measured_reference"] == pytest.approx(
        measure(predicted[:-1], given[:-1]), abs=1e-12
    )
    assert found.details["labelled"] == 9999
    assert found.statistic == pytest.approx(measure(later, truth), abs=0.015)
    assert found.effect_size is not None
    assert found.effect_size > 0
    assert (found.p_value, found.detected) == (0.001, found.effect_size >= 0.1)


def test_users_who_score_alike_are_not_so_many_proofs(run: Run, write: Write) -> None:
    rng = np.random.default_rng(5)
    level = np.repeat(rng.beta(1, 1, 60), 30)
    scores = np.round(np.clip(level + rng.normal(scale=0.02, size=1800), 0, 1), 2)
    labels = (rng.random(1800) < scores).astype(int)
    users = np.repeat(np.arange(60), 30)
    # of the 30 users with the less certain scores, 12 are in the reference; of the other 30, 18
    order = np.argsort(np.abs(level[::30] - 0.5))
    first = np.isin(
        users, np.concatenate([order[:30].reshape(6, 5)[:, :2], order[30:].reshape(6, 5)[:, :3]], 1)
    )
    write("ref.parquet", score=scores[first], label=labels[first], user_id=users[first])
    write("cur.parquet", score=scores[~first], user_id=users[~first])

    plain, clustered = run(threshold=0), run(threshold=0, cluster="user_id")

    assert plain.effect_size == clustered.effect_size
    assert plain.p_value is not None
    assert clustered.p_value is not None
    assert clustered.p_value > 5 * plain.p_value
    assert clustered.details["clusters"] == 60


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        ([0, 1], None),
        ([0.0, 1.0], None),
        ([False, True], None),
        ([0, 1], True),
        (["ham", "spam"], "spam"),
        (["1", "2"], 2),
        ([-1, 1], 1),
        ([5.5, 7.25], 7.25),
    ],
)
def test_labels_of_any_kind(run: Run, write: Write, values: list[Any], positive: Any) -> None:
    scores, labels = draw(0, 300, 1, 1)
    named = pa.array([*(values[i] for i in labels), None])  # the last one is not known yet
    write("ref.parquet", score=np.append(scores, 0.5), label=named)
    write("cur.parquet", score=scores)

    found = run(positive=positive)

    assert found.details["measured_reference"] == metrics.accuracy_score(labels, scores >= 0.5)
    assert found.details["labelled"] == 300


def test_users_of_another_type_than_before_are_refused(run: Run, write: Write) -> None:
    scores, labels = draw(0, 200, 1, 1)
    write("ref.parquet", score=scores, label=labels, user_id=np.arange(200))
    write("cur.parquet", score=scores, user_id=[str(user) for user in range(200)])

    with pytest.raises(SourceError, match=r"^column user_id holds text in one window and numbers"):
        run(cluster="user_id")
