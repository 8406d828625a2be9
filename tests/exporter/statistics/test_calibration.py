import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from recwatch_exporter.statistics.calibration import isotonic, platt


def counted(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, and positives and rows of each."""
    rng = np.random.default_rng(seed)
    scores = np.sort(rng.choice(np.linspace(-3, 3, 4 * n), size=n, replace=False))
    rows = rng.integers(1, 50, size=n).astype(float)
    return scores, rng.binomial(rows.astype(int), 1 / (1 + np.exp(-scores))).astype(float), rows


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60))
def test_isotonic_is_scikit_learns(seed: int, n: int) -> None:
    scores, positives, rows = counted(seed, n)
    expected = IsotonicRegression(y_min=0, y_max=1).fit_transform(
        scores, positives / rows, sample_weight=rows
    )

    np.testing.assert_allclose(isotonic(scores, positives, rows), expected, rtol=0, atol=1e-12)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60))
def test_isotonic_never_falls_and_keeps_the_share_of_positives(seed: int, n: int) -> None:
    scores, positives, rows = counted(seed, n)

    found = isotonic(scores, positives, rows)

    assert (np.diff(found) >= -1e-12).all()
    np.testing.assert_allclose(found @ rows, positives.sum(), rtol=1e-9)


def test_isotonic_pools_what_falls() -> None:
    found = isotonic(np.arange(4.0), np.array([0, 2, 1, 4.0]), np.full(4, 4.0))

    assert found.tolist() == [0.0, 0.375, 0.375, 1.0]


@pytest.mark.parametrize("seed", range(5))
def test_platt_is_the_logistic_regression_of_its_targets(seed: int) -> None:
    scores, positives, rows = counted(seed, 40)
    n_positive, n_negative = positives.sum(), (rows - positives).sum()
    high, low = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    ones = positives * high + (rows - positives) * low
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1000).fit(
        np.tile(scores, 2)[:, None],
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([ones, rows - ones]),
    )

    np.testing.assert_allclose(
        platt(scores, positives, rows), model.predict_proba(scores[:, None])[:, 1], rtol=0, atol=1e-7
    )


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_platt_does_not_mind_the_unit_of_the_score(scale: float) -> None:
    scores, positives, rows = counted(1, 30)

    np.testing.assert_allclose(
        platt(scores * scale, positives, rows), platt(scores, positives, rows), rtol=0, atol=1e-7
    )


def test_platt_stays_between_0_and_1_where_the_classes_do_not_overlap() -> None:
    found = platt(np.arange(100.0), np.repeat([0.0, 1.0], 50), np.ones(100))

    assert 0 < found.min() < 0.1
    assert 0.9 < found.max() < 1


def test_platt_of_one_score_is_its_share() -> None:
    found = platt(np.array([0.5]), np.array([30.0]), np.array([100.0]))

    np.testing.assert_allclose(found, [(30 * 31 / 32 + 70 / 72) / 100], atol=1e-9)
