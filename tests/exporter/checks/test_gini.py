import numpy as np
import pytest

from recwatch_exporter.checks.gini import GINI, coefficient, statistic


def naive(counts: np.ndarray) -> float:
    """Half the mean difference of all pairs, over the mean."""
    pairs = np.abs(counts[:, np.newaxis] - counts[np.newaxis]).mean()
    return float(pairs / 2 / counts.mean())


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_definition(seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(1 + seed, size=40).astype(float)

    assert coefficient(counts) == pytest.approx(naive(counts), abs=1e-12)


def test_exact_values() -> None:
    assert coefficient(np.array([3.0, 3, 3, 3])) == 0.0
    assert coefficient(np.array([0.0, 0, 0, 8])) == 0.75
    assert np.isnan(coefficient(np.zeros(4)))


def test_gathering_on_one_item_is_a_rise() -> None:
    spread, gathered = np.array([2.0, 2, 2, 2]), np.array([0.0, 0, 0, 8])

    assert statistic(np.arange(4), spread, gathered) == 0.75
    assert statistic(np.arange(4), gathered, spread) == -0.75
    assert GINI.describe is not None
    assert GINI.describe(np.arange(4), spread, gathered) == {"gini_reference": 0.0, "gini_current": 0.75}
