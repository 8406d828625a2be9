from math import comb, isnan

import pytest

from benchmarks.calibration.rates import Rate, as_powerful


def at_most(alarms: int, tries: int, share: float) -> float:
    return sum(comb(tries, k) * share**k * (1 - share) ** (tries - k) for k in range(alarms + 1))


def test_beyond_the_interval_so_many_alarms_have_a_chance_of_one_in_forty() -> None:
    low, high = Rate(7, 200).interval

    assert at_most(7, 200, high) == pytest.approx(0.025, abs=1e-6)
    assert 1 - at_most(6, 200, low) == pytest.approx(0.025, abs=1e-6)
    assert Rate(0, 100).interval[0] == 0
    assert Rate(100, 100).interval[1] == 1


@pytest.mark.parametrize(
    ("alarms", "honest"), [(59, False), (60, True), (100, True), (140, True), (141, False)]
)
def test_three_to_seven_of_a_hundred_is_honest(alarms: int, honest: bool) -> None:  # noqa: FBT001 - parametrized
    assert Rate(alarms, 2000).honest is honest


def test_too_many_means_beyond_what_chance_leaves_open() -> None:
    assert not Rate(9, 100).too_many
    assert Rate(180, 2000).too_many


def test_a_standard_error_is_never_zero() -> None:
    assert Rate(50, 100).standard_error == pytest.approx(0.05, abs=0.002)
    assert Rate(100, 100).standard_error > 0.01


def test_power_is_compared_within_two_standard_errors_of_the_peer() -> None:
    assert as_powerful(Rate(60, 100), Rate(50, 100))
    assert as_powerful(Rate(41, 100), Rate(50, 100))
    assert not as_powerful(Rate(39, 100), Rate(50, 100))


def test_no_tries_give_no_rate() -> None:
    assert isnan(Rate(0, 0).value)
