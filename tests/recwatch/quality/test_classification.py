import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from recwatch.errors import QualityError
from recwatch.quality import Classification
from recwatch.quality.classification import Confusion, auc, confusion

SEED = 7


def rows(predicted: list[int], labels: list[int], scores: list[float] | None = None) -> np.ndarray:
    return np.array([scores or [np.nan] * len(labels), predicted, labels], dtype=np.float64).T


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(-3, 3)), min_size=1, max_size=40))
def test_every_metric_is_that_of_scikit_learn_where_it_is_defined(sample: list[tuple[int, int, int]]) -> None:
    predicted, labels, scores = (list(column) for column in zip(*sample, strict=True))
    found = Classification().evaluate(rows(predicted, labels, [float(score) for score in scores]))
    assert found["accuracy"].value == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found["accuracy"].samples == len(labels)
    for name, function, defined in (
        ("precision", reference.precision_score, any(predicted)),
        ("recall", reference.recall_score, any(labels)),
        ("f1", reference.f1_score, any(predicted) or any(labels)),
    ):
        assert (name in found) is defined
        if defined:
            assert found[name].value == pytest.approx(function(labels, predicted, zero_division=0.0))
    assert ("auc" in found) is (len(set(labels)) == 2)
    if "auc" in found:
        assert found["auc"].value == pytest.approx(reference.roc_auc_score(labels, scores))


def test_the_four_outcomes_are_counted() -> None:
    predicted, labels = np.array([1.0, 1, 1, 0, 0, 0, 0]), np.array([1.0, 1, 0, 1, 0, 0, 0])
    assert confusion(predicted, labels) == Confusion(2, 1, 1, 3)


def test_auc_counts_a_tie_half() -> None:
    assert auc(np.array([1.0, 1.0]), np.array([0.0, 1.0])) == 0.5
    assert auc(np.array([0.1, 0.9]), np.array([0.0, 1.0])) == 1.0
    assert auc(np.array([0.1, 0.9]), np.array([1.0, 1.0])) is None


def test_auc_does_not_change_under_reordering_or_another_scale() -> None:
    rng = np.random.default_rng(SEED)
    scores, labels = rng.normal(size=500), rng.integers(0, 2, 500).astype(float)
    order = rng.permutation(500)
    assert auc(np.exp(scores), labels) == auc(scores, labels) == auc(scores[order], labels[order])


def test_a_metric_rests_on_what_it_is_a_share_of() -> None:
    found = Classification().evaluate(rows([1, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0.9, 0.8, 0.3, 0.2, 0.1]))
    assert {name: measured.samples for name, measured in found.items()} == {
        "accuracy": 5,
        "precision": 2,
        "recall": 3,
        "f1": 4,
        "auc": 2,
    }


def test_auc_takes_the_rows_that_have_a_score() -> None:
    found = Classification().evaluate(rows([1, 0, 1], [1, 0, 0], [0.9, 0.1, np.nan]))
    assert found["auc"] == (1.0, 1)
    assert "auc" not in Classification().evaluate(rows([1, 0], [1, 0]))


def test_no_rows_have_no_metrics() -> None:
    assert Classification().evaluate(np.empty((0, 3))) == {}


def test_the_threshold_decides_where_the_prediction_does_not() -> None:
    task = Classification(threshold=0.3)
    assert task.check_prediction(0.3, None, None) == (0.3, 1.0, ())
    assert task.check_prediction(0.29, None, None) == (0.29, 0.0, ())
    assert task.check_prediction(0.29, np.True_, None) == (0.29, 1.0, ())
    assert task.check_prediction(None, 0, None) == (None, 0.0, ())


@pytest.mark.parametrize(
    ("score", "predicted", "items", "message"),
    [
        (None, None, None, "needs a score or a class"),
        (float("nan"), None, None, "score must be a finite number"),
        ("0.5", None, None, "score must be a finite number; got str"),
        (0.5, 2, None, "predicted must be 0 or 1; got 2"),
        (None, None, [1], "leave `items` out"),
    ],
)
def test_what_is_no_prediction_is_refused(
    score: object, predicted: object, items: object, message: str
) -> None:
    with pytest.raises(QualityError, match=message):
        Classification().check_prediction(score, predicted, items)


@pytest.mark.parametrize("label", [2, 0.5, None, "1", float("nan")])
def test_what_is_no_class_is_refused(label: object) -> None:
    with pytest.raises(QualityError, match="label must be"):
        Classification().check_label(label)


def test_arms_are_compared_by_accuracy() -> None:
    assert Classification().observe((0.9, 1.0, 1.0), "accuracy") == 1.0
    assert Classification().observe((0.9, 1.0, 0.0), "accuracy") == 0.0
