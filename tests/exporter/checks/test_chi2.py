import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.chi2 import CHI2, cramers_v, statistic, terms


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.poisson(4, size=(2, 7)) + np.eye(2, 7, dtype=int)
    table = table[:, table.sum(axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)
    reference, current = table.astype(float)

    assert statistic(np.arange(7), reference, current) == pytest.approx(expected.statistic, rel=1e-12)
    assert CHI2.describe is not None
    details = CHI2.describe(np.arange(7), reference, current)
    v = stats.contingency.association(table, method="cramer")
    assert details == {"cramers_v": pytest.approx(v, rel=1e-12), "degrees_of_freedom": expected.dof}


def test_cramers_v_of_windows_of_one_size_is_the_textbooks() -> None:
    table = np.array([[30, 50, 20], [45, 15, 40]])

    found = cramers_v(np.arange(3), *table.astype(float))

    assert found == pytest.approx(stats.contingency.association(table, method="cramer"), rel=1e-12)


def test_a_small_window_beside_a_large_one_is_not_drowned() -> None:
    reference, current = np.array([8e5, 2e5]), np.array([200.0, 800])
    usual = float(np.sqrt(statistic(np.arange(2), reference, current) / (1e6 + 1e3)))

    assert usual < 0.05
    assert cramers_v(np.arange(2), reference, current) == pytest.approx(0.6, rel=1e-12)
    assert cramers_v(np.arange(2), np.array([9.0, 0]), np.array([0.0, 1])) == 1.0


def test_a_category_that_nobody_chose_adds_nothing() -> None:
    assert terms(np.array([3.0, 0, 1]), np.array([2.0, 0, 4]))[1] == 0.0
