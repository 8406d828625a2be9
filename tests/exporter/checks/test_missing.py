import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.checks.missing import increase

counts = hnp.arrays(np.float64, 3, elements=st.integers(0, 1000).map(float))
STATES = np.arange(3.0)


def test_null_and_not_finite_both_count() -> None:
    found = increase(STATES, np.array([90.0, 10, 0]), np.array([150.0, 30, 20]))

    assert found == pytest.approx(0.25 - 0.1, abs=1e-15)


def test_many_permutations_at_once() -> None:
    found = increase(STATES, np.array([[9.0, 1, 0], [8, 1, 1]]), np.array([[5.0, 5, 0], [0, 0, 10]]))

    np.testing.assert_allclose(found, [0.4, 0.8], atol=1e-15)


@given(first=counts, second=counts)
def test_the_other_way_round_it_is_the_negative(first: np.ndarray, second: np.ndarray) -> None:
    there, back = increase(STATES, first, second), increase(STATES, second, first)

    np.testing.assert_allclose(there, -back, atol=1e-12)
    assert np.isnan(there) == (first.sum() == 0 or second.sum() == 0)


@given(rows=counts)
def test_identical_windows_show_no_increase(rows: np.ndarray) -> None:
    assert increase(STATES, rows + 1, rows + 1) == 0


def test_no_states_at_all_is_not_a_number() -> None:
    assert np.isnan(increase(np.empty(0), np.empty(0), np.empty(0)))
