import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel

from recwatch_exporter.statistics.kernels import median_distance, rbf


def test_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(30, 5)), rng.normal(size=(20, 5))

    np.testing.assert_allclose(
        rbf(first, second, 1.7), rbf_kernel(first, second, gamma=0.5 / 1.7**2), atol=1e-12
    )


def test_the_median_of_all_pairs() -> None:
    rows = np.random.default_rng(1).normal(size=(40, 3))

    assert median_distance(rows) == pytest.approx(np.median(pdist(rows)), abs=1e-12)


def test_equal_rows_do_not_count() -> None:
    assert median_distance(np.array([[0.1, 0.7]] * 9 + [[3.1, 4.7]])) == pytest.approx(5.0)


@pytest.mark.parametrize("rows", [np.ones((4, 2)) * 0.1, np.ones((1, 2)), np.ones((0, 2))])
def test_without_two_that_differ_there_is_none(rows: np.ndarray) -> None:
    assert np.isnan(median_distance(rows))
