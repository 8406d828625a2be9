from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from recwatch_exporter.checks.performance import BINARY, LOSSES, Metric, Outcomes, estimate
from recwatch_exporter.statistics.calibration import isotonic

OF_SCIKIT_LEARN: dict[str, Callable[..., float]] = {
    "accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
}


def rows(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores, some of them equal, and labels that follow them."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(2, 2, n), 2)
    return scores, rng.random(n) < scores**1.5


def counted(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Outcomes]:
    values, place = np.unique(scores, return_inverse=True)
    positives = np.bincount(place, weights=labels, minlength=len(values)).astype(np.float64)
    negatives = np.bincount(place, weights=~labels, minlength=len(values)).astype(np.float64)
    return values, Outcomes(positives=positives, negatives=negatives, chosen=values >= 0.5)


@pytest.mark.parametrize("name", OF_SCIKIT_LEARN)
@pytest.mark.parametrize("seed", range(5))
def test_counted_labels_give_scikit_learns_figure(name: str, seed: int) -> None:
    scores, labels = rows(seed, 300)

    found = BINARY[name](counted(scores, labels)[1])

    assert found == pytest.approx(OF_SCIKIT_LEARN[name](labels, scores >= 0.5), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_scikit_learns(seed: int) -> None:
    scores, labels = rows(seed, 300)

    found = BINARY["roc_auc"](counted(scores, labels)[1])

    assert found == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)


def test_expected_figures_by_hand() -> None:
    counts, probability = np.array([10.0, 20, 30]), np.array([0.1, 0.5, 0.9])
    chosen = np.array([False, True, True])

    def found(metric: Metric) -> float:
        return float(estimate(metric, counts, probability, chosen))

    # expected: 1, 10 and 27 positives; 9, 10 and 3 negatives
    assert found("accuracy") == pytest.approx((9 + 37) / 60, abs=1e-15)
    assert found("precision") == pytest.approx(37 / 50, abs=1e-15)
    assert found("recall") == pytest.approx(37 / 38, abs=1e-15)
    assert found("f1") == pytest.approx(2 * 37 / (2 * 37 + 13 + 1), abs=1e-15)
    area = (1 * 4.5 + 10 * (9 + 5) + 27 * (19 + 1.5)) / (38 * 22)
    assert found("roc_auc") == pytest.approx(area, abs=1e-15)
    assert found("mae") == pytest.approx((1 + 10 + 27) / 60, abs=1e-15)
    assert found("rmse") == pytest.approx(np.sqrt((1 + 10 + 27) / 60), abs=1e-15)


@pytest.mark.parametrize("metric", [*BINARY, *LOSSES])
def test_many_windows_at_once(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    counts, expected = rng.integers(1, 9, (6, 5)).astype(float), np.sort(rng.random(5))
    chosen = np.arange(5) >= 2

    together = estimate(metric, counts, expected, chosen)

    np.testing.assert_allclose(
        together, [float(estimate(metric, row, expected, chosen)) for row in counts], rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("metric", [*BINARY, *LOSSES])
def test_not_defined_is_not_a_number(metric: Metric) -> None:
    none = estimate(metric, np.zeros(3), np.array([0.1, 0.5, 0.9]), np.array([False, True, True]))

    assert np.isnan(none)


def test_precision_needs_something_that_is_predicted() -> None:
    found = estimate("precision", np.ones(2), np.array([0.1, 0.2]), np.array([False, False]))

    assert np.isnan(found)


@given(seed=st.integers(0, 1000), metric=st.sampled_from(["accuracy", "precision", "recall", "f1"]))
def test_uncalibrated_shares_give_back_what_was_measured(seed: int, metric: Metric) -> None:
    """Each score with its own share of positives: the estimate is the measured figure."""
    values, outcomes = counted(*rows(seed, 200))
    n = outcomes.positives + outcomes.negatives
    measured = BINARY[metric](outcomes)

    found = estimate(metric, n, outcomes.positives / n, values >= 0.5)

    np.testing.assert_allclose(found, measured, rtol=0, atol=1e-12)


@pytest.mark.parametrize("metric", BINARY)
@pytest.mark.parametrize("shift", [(4.0, 2.0), (1.0, 3.0), (5.0, 5.0)])
def test_the_estimate_is_right_where_only_the_scores_shift(
    metric: Metric, shift: tuple[float, float]
) -> None:
    """Covariate shift: other scores, each meaning what it always meant, though not what it says."""
    rng = np.random.default_rng(3)

    def draw(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
        scores = np.round(rng.beta(a, b, 40_000), 3)
        return scores, rng.random(len(scores)) < scores**2  # overconfident

    values, known = counted(*draw(1, 1))
    n = known.positives + known.negatives
    probability = isotonic(values, known.positives, n)
    later, truth = counted(*draw(*shift))

    expected = np.interp(later, values, probability)
    found = float(estimate(metric, truth.positives + truth.negatives, expected, later >= 0.5))

    assert found == pytest.approx(float(BINARY[metric](truth)), abs=0.01)
    if metric == "precision":  # taken at its word, the score promises more than it keeps
        trusted = float(estimate(metric, truth.positives + truth.negatives, later, later >= 0.5))
        assert trusted > found + 0.03
