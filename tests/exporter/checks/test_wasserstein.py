import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.wasserstein import distance, statistic


def counted(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values = np.unique(np.concatenate([first, second]))
    reference, current = (
        np.array([np.count_nonzero(side == value) for value in values], float) for side in (first, second)
    )
    return values, reference, current


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 6, size=rng.integers(5, 300)).astype(float)
    second = rng.normal(3, 2, size=rng.integers(1, 300)).round(seed % 3)

    expected = stats.wasserstein_distance(first, second)

    assert statistic(*counted(first, second)) == pytest.approx(expected / first.std(), rel=1e-12)
    assert distance(first, second) == pytest.approx(expected, rel=1e-12)


def test_exact_value() -> None:
    # The half of the rows moves by 2; the reference's standard deviation is 1.
    assert statistic(np.array([-1.0, 1, 3]), np.array([1.0, 1, 0]), np.array([1.0, 0, 1])) == 1.0


def test_the_unit_does_not_matter() -> None:
    values, reference, current = np.array([0.0, 1, 5]), np.array([5.0, 3, 1]), np.array([1.0, 3, 5])

    once, scaled = (statistic(v, reference, current) for v in (values, 1000 * values - 7))

    assert scaled == pytest.approx(float(once), rel=1e-12)


def test_a_reference_of_one_value_gives_no_measure() -> None:
    values = np.array([1.0, 2.0])

    assert np.isnan(statistic(values, np.array([5.0, 0]), np.array([0.0, 5])))
    assert statistic(values, np.array([5.0, 0]), np.array([3.0, 0])) == 0.0
