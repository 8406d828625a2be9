import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.spearman import statistic as statistic_of


def statistic(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    return statistic_of(np.arange(reference.shape[-1]), reference, current)


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = (rng.poisson(3, size=50).astype(float) for _ in range(2))

    expected = stats.spearmanr(reference, current).statistic

    assert statistic(reference, current) == pytest.approx(expected, abs=1e-12)


def test_reversed_popularity_is_minus_one() -> None:
    assert statistic(np.array([1.0, 2, 3, 4]), np.array([9.0, 5, 2, 1])) == -1.0


def test_same_order_is_one_whatever_the_counts() -> None:
    assert statistic(np.array([1.0, 2, 3, 400]), np.array([2.0, 4, 10, 11])) == 1.0


def test_a_tie_of_all_items_on_both_sides_is_no_change() -> None:
    assert statistic(np.array([3.0, 3]), np.array([1.0, 1])) == 1.0


def test_a_tie_of_all_items_on_one_side_is_undefined() -> None:
    assert np.isnan(statistic(np.array([3.0, 3]), np.array([1.0, 2])))


def test_many_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.poisson(3, (7, 20)).astype(float), rng.poisson(3, (7, 20)).astype(float)

    together = statistic(reference, current)

    assert together.tolist() == [float(statistic(a, b)) for a, b in zip(reference, current, strict=True)]
