import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from recwatch_exporter.statistics.auc import auc


@given(seed=st.integers(0, 2**32 - 1), values=st.sampled_from([2, 5, 10**6]))
def test_agrees_with_scikit_learn_ties_included(seed: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, size=(3, 25)).astype(np.float64)
    labels[:, :2] = [0, 1]
    scores = rng.integers(0, values, size=(3, 25)) / values

    expected = [roc_auc_score(*pair) for pair in zip(labels, scores, strict=True)]

    np.testing.assert_allclose(auc(labels, scores), expected, atol=1e-12)


def test_only_pairs_of_one_fold_are_compared() -> None:
    labels = np.array([[0.0, 1, 1, 0, 1, 1]])
    scores = np.array([[0.1, 0.2, 0.0, 0.9, 0.5, 0.7]])
    fold = np.array([0, 0, 0, 1, 1, 2])

    assert auc(labels, scores, fold)[0] == pytest.approx((1 + 0 + 0) / 3)


def test_without_both_labels_in_a_fold_it_is_not_a_number() -> None:
    assert np.isnan(auc(np.array([[1.0, 0]]), np.zeros((1, 2)), np.array([0, 1]))).all()
