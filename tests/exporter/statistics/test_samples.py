import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recwatch_exporter.checks import ks, wasserstein
from recwatch_exporter.statistics.samples import sorted_samples

samples = st.lists(st.integers(-40, 40), min_size=1, max_size=30).map(lambda tenths: np.array(tenths) / 10)


@given(first=samples, second=samples)
def test_agrees_with_the_definition(first: np.ndarray, second: np.ndarray) -> None:
    expected = max(abs((first <= x).mean() - (second <= x).mean()) for x in [*first, *second])
    area = stats.wasserstein_distance(first, second)

    assert ks.distance(first, second) == pytest.approx(expected, abs=1e-12)
    assert wasserstein.distance(first, second) == pytest.approx(area, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.02, 1.0, 50.0])
@pytest.mark.parametrize("digits", [1, 3, 16])
def test_agrees_with_scipy_where_most_points_are_passed_over(shift: float, digits: int) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=20_011).round(digits), rng.normal(shift, 1.1, size=31_013).round(digits)

    for threads in (1, 2):
        found = ks.distance(first, second, threads=threads)
        assert found == pytest.approx(stats.ks_2samp(first, second, method="asymp").statistic, abs=1e-12)
    assert wasserstein.distance(first, second) == pytest.approx(
        stats.wasserstein_distance(first, second), rel=1e-12
    )


def test_whole_numbers_and_single_precision() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, 500), rng.normal(4, size=400).astype(np.float32)

    expected = stats.ks_2samp(first, second, method="asymp").statistic

    assert ks.distance(first, second) == pytest.approx(expected, abs=1e-12)
    assert ks.distance(first.tolist(), second) == ks.distance(second, first)
    assert all(side.dtype == np.float32 for side in sorted_samples(second, second))


def test_infinite_numbers_are_numbers_and_nan_is_none() -> None:
    assert ks.distance([-np.inf, 0.0], [0.0, np.inf]) == 0.5
    for broken in ([np.nan, 1.0], []):
        assert np.isnan(ks.distance(broken, [1.0, 2.0]))
        assert np.isnan(ks.distance([1.0, 2.0], broken))
        assert np.isnan(wasserstein.distance(broken, [1.0, 2.0]))


def test_the_samples_are_left_as_they_were() -> None:
    first = np.array([3.0, 1.0, 2.0])

    ks.distance(first, first)

    assert first.tolist() == [3.0, 1.0, 2.0]
