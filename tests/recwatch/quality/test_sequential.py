import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.quality.moments import Moments
from recwatch.quality.sequential import difference, mixture_scale, rarer_outcomes

Rate = st.floats(0.05, 0.95)
Samples = st.integers(200, 100_000)  # ten of the rarer outcome at any of the rates


def arm(rate: float, samples: int) -> Moments:
    return Moments(samples, rate, rate * (1 - rate) * samples)


def test_the_interval_is_that_of_waudby_smith_and_others() -> None:
    one, other = arm(0.12, 4_000), arm(0.10, 6_000)
    found = difference(one, other, alpha=0.05, sharpest_at=10_000)
    assert found is not None
    t = 10_000
    sigma = math.sqrt(t * (one.variance / 4_000 + other.variance / 6_000))
    rho = math.sqrt(mixture_scale(0.05) / 10_000)
    root = 2 * (t * rho**2 + 1) / (t**2 * rho**2) * math.log(math.sqrt(t * rho**2 + 1) / 0.05)
    margin = sigma * math.sqrt(root)
    assert found.low == pytest.approx(0.02 - margin)
    assert found.high == pytest.approx(0.02 + margin)


@given(Rate, Rate, Samples, Samples, st.sampled_from([0.01, 0.05, 0.2]))
def test_the_p_value_is_below_alpha_exactly_where_the_interval_leaves_out_0(
    rate: float, other: float, samples: int, others: int, alpha: float
) -> None:
    found = difference(arm(rate, samples), arm(other, others), alpha=alpha, sharpest_at=5_000)
    assert found is not None
    assert 0 <= found.p_value <= 1
    assert found.low <= found.value <= found.high
    if abs(found.p_value - alpha) > 1e-9:
        assert (found.p_value < alpha) == (found.low > 0 or found.high < 0)


@given(Rate, Rate, Samples, Samples)
def test_arms_change_places_with_the_sign(rate: float, other: float, samples: int, others: int) -> None:
    there = difference(arm(rate, samples), arm(other, others), alpha=0.05, sharpest_at=5_000)
    back = difference(arm(other, others), arm(rate, samples), alpha=0.05, sharpest_at=5_000)
    assert there is not None
    assert back is not None
    assert (back.low, back.high, back.p_value) == pytest.approx((-there.high, -there.low, there.p_value))


def test_equal_arms_are_not_different() -> None:
    found = difference(arm(0.1, 1_000), arm(0.1, 1_000), alpha=0.05, sharpest_at=5_000)
    assert found is not None
    assert (found.value, found.p_value) == (0.0, 1.0)


def test_the_interval_is_narrowest_where_it_was_asked_to_be() -> None:
    def width(sharpest_at: int) -> float:
        found = difference(arm(0.1, 5_000), arm(0.1, 5_000), alpha=0.05, sharpest_at=sharpest_at)
        assert found is not None
        return found.high - found.low

    assert width(10_000) < min(width(5_000), width(9_000), width(11_000), width(20_000))


def test_nothing_is_said_while_an_arm_has_not_varied() -> None:
    assert difference(arm(0.0, 1_000), arm(0.1, 1_000), alpha=0.05, sharpest_at=5_000) is None


def moments(values: list[float]) -> Moments:
    result = Moments()
    for value in values:
        result = result.plus(value)
    return result


@given(st.lists(st.integers(0, 1), min_size=1, max_size=300))
def test_the_rarer_of_two_outcomes_is_counted(values: list[int]) -> None:
    assert rarer_outcomes(moments([float(value) for value in values])) == pytest.approx(
        min(values.count(0), values.count(1))
    )


def test_shares_between_0_and_1_count_by_their_weight() -> None:
    assert rarer_outcomes(moments([0.0] * 90 + [0.3] * 10)) == pytest.approx(10)
    assert rarer_outcomes(moments([1.0] * 90 + [0.7] * 10)) == pytest.approx(10)
    assert rarer_outcomes(moments([0.0] * 98 + [1.0, 0.1])) == pytest.approx(1.21 / 1.01)


def test_other_numbers_have_no_rarer_outcome() -> None:
    assert rarer_outcomes(moments([0.0] * 99 + [5.0])) == math.inf
    assert rarer_outcomes(moments([-1.0, 0.5])) == math.inf
    assert rarer_outcomes(Moments()) == 0.0


@pytest.mark.parametrize("rare", [9, 10])
def test_nothing_is_said_before_each_arm_has_shown_its_rarer_outcome_ten_times(rare: int) -> None:
    few, many = moments([0.0] * (1_000 - rare) + [1.0] * rare), arm(0.98, 5_000)
    for one, other in ((few, many), (many, few)):
        assert (difference(one, other, alpha=0.05, sharpest_at=5_000) is None) == (rare < 10)
