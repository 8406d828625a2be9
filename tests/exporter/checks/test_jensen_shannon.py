import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from recwatch_exporter.checks.jensen_shannon import statistic, terms


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = (rng.poisson(2, size=12).astype(float) + np.eye(12)[0] for _ in range(2))

    expected = jensenshannon(reference, current, base=2)

    assert statistic(np.arange(12), reference, current) == pytest.approx(expected, abs=1e-12)
    assert terms(reference, current).sum() == pytest.approx(expected**2, abs=1e-12)


def test_no_value_in_common_is_one() -> None:
    assert statistic(np.arange(2), np.array([7.0, 0]), np.array([0.0, 2])) == 1.0


def test_over_bins_of_the_reference() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=400), rng.normal(0.5, size=300)
    values = np.unique(np.concatenate([first, second]))
    sides = [np.isin(values, side).astype(float) for side in (first, second)]
    edges = np.quantile(first, np.arange(1, 10) / 10, method="inverted_cdf")
    binned = [
        np.bincount(np.searchsorted(edges, side, side="left"), minlength=10) for side in (first, second)
    ]

    found = statistic(values, sides[0], sides[1], bins=10)

    assert found == pytest.approx(jensenshannon(binned[0], binned[1], base=2), abs=1e-12)
