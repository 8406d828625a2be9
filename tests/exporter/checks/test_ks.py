import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.ks import statistic as statistic_of


def statistic(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    return statistic_of(np.arange(reference.shape[-1]), reference, current)


def counted(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = np.unique(np.concatenate([first, second]))
    return tuple(
        np.array([np.count_nonzero(side == value) for value in values], float) for side in (first, second)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_scipy_on_discrete_data(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(1, 6, size=rng.integers(1, 300)).astype(float)
    second = rng.choice([0.5, 1, 1.5, 3, 5], size=rng.integers(1, 300))

    expected = stats.ks_2samp(first, second, method="asymp").statistic

    assert statistic(*counted(first, second)) == pytest.approx(expected, abs=1e-12)


def test_agrees_with_scipy_on_continuous_data() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=500), rng.normal(0.3, size=400)

    expected = stats.ks_2samp(first, second).statistic

    assert statistic(*counted(first, second)) == pytest.approx(expected, abs=1e-12)


def test_exact_values() -> None:
    assert statistic(np.array([1.0, 1, 0]), np.array([0.0, 1, 1])) == 0.5
    assert statistic(np.array([4.0, 0]), np.array([0.0, 7])) == 1.0


def test_many_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.integers(0, 9, (7, 5)).astype(float), rng.integers(0, 9, (7, 5)).astype(float)

    together = statistic(reference, current)

    assert together.tolist() == [float(statistic(a, b)) for a, b in zip(reference, current, strict=True)]
