import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.quality.moments import NONE, Moments

Values = st.lists(st.floats(-1e6, 1e6), max_size=30)


def of(values: list[float]) -> Moments:
    moments = NONE
    for value in values:
        moments = moments.plus(value)
    return moments


@given(Values, Values)
def test_both_ways_to_add_up_give_the_mean_and_variance_of_numpy(
    first: list[float], second: list[float]
) -> None:
    together = first + second
    for moments in (of(together), of(first).merge(of(second))):
        assert moments.samples == len(together)
        assert moments.mean == pytest.approx(np.mean(together) if together else 0.0, abs=1e-6)
        expected = np.var(together, ddof=1) if len(together) > 1 else 0.0
        assert moments.variance == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_small_variance_around_a_large_mean_is_kept() -> None:
    assert of([1e9, 1e9 + 1, 1e9 + 2]).variance == pytest.approx(1.0)
