import numpy as np
import pytest
from sklearn.linear_model import Ridge

from recwatch_exporter.statistics.discriminant import Discriminant, folds_of


def test_agrees_with_scikit_learn_fold_by_fold() -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(90, 4)), rng.integers(0, 2, size=(3, 90)).astype(np.float64)
    fold = np.arange(90) % 3
    model = Discriminant(rows, fold)

    for labelling in range(3):
        for number, weights in enumerate(model.weights(labels)):
            expected = Ridge(alpha=20 * 4).fit(rows[fold != number], labels[labelling, fold != number]).coef_
            np.testing.assert_allclose(weights[:, labelling], expected, atol=1e-12)


def test_scores_are_those_weights_on_the_fold_left_out() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.normal(size=(40, 2)), rng.integers(0, 2, size=(1, 40)).astype(np.float64)
    fold = np.arange(40) % 2
    model = Discriminant(rows, fold)

    own = rows[fold == 1] @ model.weights(labels)[1][:, 0]
    np.testing.assert_allclose(model.scores(labels)[0, fold == 1], own / np.abs(own).max(), atol=1e-8)


def test_functions_that_say_nothing_and_copies_do_no_harm() -> None:
    rows = np.zeros((20, 3))
    rows[:, 1] = rows[:, 2] = np.arange(20)

    scores = Discriminant(rows, np.arange(20) % 4).scores((np.arange(20) > 10)[None].astype(np.float64))

    assert np.isfinite(scores).all()


@pytest.mark.parametrize("sizes", [[1] * 23, [40, 1, 1, 1, 7, 9, 3, 3, 2, 2]])
def test_folds_keep_units_together_and_are_of_about_one_size(sizes: list[int]) -> None:
    unit = np.repeat(np.arange(len(sizes)), sizes)

    fold = folds_of(unit, 3, np.random.default_rng(0))

    assert all(len(set(fold[unit == number])) == 1 for number in range(len(sizes)))
    assert set(fold) == {0, 1, 2}
    assert np.bincount(fold).min() >= min(7, 14)
