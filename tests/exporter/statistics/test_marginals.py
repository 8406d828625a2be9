import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.statistics.marginals import distances, most, picture


def test_distances_agree_with_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(80, 3)), rng.integers(-1, 3, size=(50, 3)).astype(np.float64)

    expected = [stats.ks_2samp(first[:, i], second[:, i]).statistic for i in range(3)]

    np.testing.assert_allclose(distances(first, second), expected, atol=1e-12)


def test_the_ten_most_important_come_first() -> None:
    names = tuple(f"f{number}" for number in range(12))

    found = most(names, np.arange(12.0))

    assert [item["feature"] for item in found] == [f"f{number}" for number in range(11, 1, -1)]


@pytest.mark.parametrize("values", [np.arange(100.0), np.array([1.0, 1, 1, 2]), np.ones(3)])
def test_a_picture_holds_all_rows_of_both_sides(values: np.ndarray) -> None:
    found = picture(values, values + 1)

    assert len(found["labels"]) == len(found["reference"]) == len(found["current"]) <= 10
    assert sum(found["reference"]) == pytest.approx(1)
    assert sum(found["current"]) == pytest.approx(1)
