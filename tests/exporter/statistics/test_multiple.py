import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recwatch_exporter.statistics.multiple import adjust


@given(p_values=st.lists(st.floats(0.001, 1), min_size=1, max_size=30))
def test_agrees_with_scipy(p_values: list[float]) -> None:
    assert adjust(p_values) == pytest.approx(stats.false_discovery_control(p_values).tolist(), abs=1e-12)


def test_exact_values() -> None:
    assert adjust([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5], rel=1e-15)


def test_none_at_all() -> None:
    assert adjust([]) == []


def test_a_single_one_stays() -> None:
    assert adjust([0.3]) == [0.3]
