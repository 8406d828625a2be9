import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from recwatch_exporter.statistics.ranks import average_ranks, first_ranks

few = st.tuples(st.integers(1, 4), st.integers(1, 30))
numbers = hnp.arrays(np.float64, few, elements=st.one_of(st.integers(0, 9), st.integers(0, 10**9)).map(float))
fractions = hnp.arrays(np.float64, few, elements=st.floats(-5, 5).map(lambda x: round(x, 1) + 0.0))


@given(values=st.one_of(numbers, fractions))
def test_average_ranks_agree_with_scipy(values: np.ndarray) -> None:
    np.testing.assert_array_equal(average_ranks(values), stats.rankdata(values, axis=1))


@given(values=st.one_of(numbers, fractions))
def test_first_ranks_agree_with_scipy(values: np.ndarray) -> None:
    np.testing.assert_array_equal(first_ranks(values), stats.rankdata(-values, method="min", axis=1))


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5), (0,), (3, 0)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).integers(0, 4, shape).astype(float)

    assert average_ranks(values).shape == shape
    assert first_ranks(values).shape == shape
