import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.report.scale import time_ticks, value_ticks

END = 1_794_812_400.0


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([], [0.0, 0.5, 1.0]),
        ([0.0], [0.0, 0.5, 1.0]),
        ([3.0], [0.0, 1.0, 2.0, 3.0]),
        ([-3.0], [-3.0, -2.0, -1.0, 0.0]),
        ([0.1, 0.37], [0.0, 0.1, 0.2, 0.30000000000000004, 0.4]),
        ([100.0, 101.0], [100.0, 100.5, 101.0]),
        ([-0.12, 0.9], [-0.5, 0.0, 0.5, 1.0]),
        ([1.7e308], [0.0, 5e299, 1e300]),
        ([-1.7e308, 1.7e308], [-1e300, -5e299, 0.0, 5e299, 1e300]),
    ],
)
def test_marks_are_round(values: list[float], ticks: list[float]) -> None:
    assert value_ticks(values)[2] == pytest.approx(ticks)


@given(st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=20))
def test_an_axis_holds_all_values(values: list[float]) -> None:
    low, high, ticks = value_ticks(values)
    slack = 1e-6 * max(abs(low), abs(high))
    assert low - slack <= min(values)
    assert max(values) <= high + slack
    assert low < high
    assert 2 <= len(ticks) <= 12


@pytest.mark.parametrize("hours", [1, 6, 24, 36, 24 * 7, 24 * 30, 24 * 92])
def test_times_are_whole_and_few(hours: int) -> None:
    ticks = time_ticks(END - hours * 3_600, END)
    assert 2 <= len(ticks) <= 8
    assert len({later - earlier for (earlier, _), (later, _) in itertools.pairwise(ticks)}) == 1


def test_names_of_times() -> None:
    assert [label for _, label in time_ticks(END - 7 * 86_400, END)][:2] == ["Tue 10", "Wed 11"]
    assert [label for _, label in time_ticks(END - 86_400, END)][:2] == ["12:00", "18:00"]
