import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recwatch_exporter.checks.row_count import compare_rates


def plain(reference: np.ndarray, current: float, periods: float) -> float:
    """The F-test written out, for periods that do not follow each other."""
    n, mean = len(reference), reference.mean()
    dispersion = sum((y - mean) ** 2 / mean for y in reference) / (n - 1)
    pooled = (reference.sum() + current) / (n + periods)
    deviance = 2 * sum(
        total * np.log(total / size / pooled) if total else 0.0
        for total, size in ((reference.sum(), n), (current, periods))
    )
    return float(stats.f.sf(deviance / dispersion, 1, n - 1))


ALTERNATING = np.array([90.0, 115, 80, 120, 95, 125, 85, 110, 80, 120])


@pytest.mark.parametrize(("current", "periods"), [(100, 1), (0, 1), (700, 7), (55, 0.5), (2000, 7)])
def test_the_f_test_of_two_rates(current: float, periods: float) -> None:
    found = compare_rates(ALTERNATING, current, periods)

    assert found.correlation == 0.0
    assert found.reference == 102.0
    assert found.change == pytest.approx(current / periods / 102 - 1, abs=1e-15)
    assert found.p_value == pytest.approx(plain(ALTERNATING, current, periods), abs=1e-12)


def test_the_rate_of_the_reference_is_no_change() -> None:
    found = compare_rates(ALTERNATING, 306, 3)

    assert found.change == 0.0
    assert found.p_value == pytest.approx(1.0, abs=1e-6)


def test_no_rows_where_there_were_always_many() -> None:
    found = compare_rates(ALTERNATING, 0, 7)

    assert found.change == -1.0
    assert found.p_value < 1e-6


def test_no_rows_now_and_in_the_reference_is_not_a_number() -> None:
    found = compare_rates(np.zeros(10), 0, 7)

    assert np.isnan([found.change, found.p_value]).all()


def test_counts_like_clockwork_are_not_surer_than_counts_can_be() -> None:
    found = compare_rates(np.full(30, 100.0), 103, 1)

    assert found.p_value > 0.05
    assert compare_rates(np.full(30, 100.0), 0, 1).p_value < 1e-6


def test_periods_that_follow_each_other_weigh_less() -> None:
    together = np.repeat([60.0, 140.0, 100.0], 10)
    mixed = together[np.random.default_rng(0).permutation(30)]
    found, apart = compare_rates(together, 7 * 140, 7), compare_rates(mixed, 7 * 140, 7)

    assert found.dispersion == pytest.approx(apart.dispersion)
    assert found.correlation > 0.8
    assert found.p_value > 0.05 > apart.p_value


@given(
    reference=st.lists(st.integers(0, 10**9), min_size=5, max_size=40),
    current=st.integers(0, 10**12),
    periods=st.floats(1e-6, 1e4),
)
@settings(deadline=None)
def test_always_finite(reference: list[int], current: int, periods: float) -> None:
    found = compare_rates(np.array(reference, dtype=float), current, periods)

    if sum(reference) == 0:
        assert np.isnan(found.change)
    else:
        assert np.isfinite([found.change, found.dispersion, found.correlation]).all()
        assert 0 <= found.p_value <= 1
        assert found.change >= -1


def overdispersed(rng: np.random.Generator, size: int) -> np.ndarray:
    """Counts with a mean of 1000 and fifty times its variance."""
    return rng.negative_binomial(1000 / 49, 1 / 50, size).astype(float)


def following(rng: np.random.Generator, size: int) -> np.ndarray:
    """Counts of which each follows the one before: a correlation of 0.3."""
    noise = rng.normal(size=size)
    level = np.empty(size)
    level[0] = noise[0]
    for i in range(1, size):
        level[i] = 0.3 * level[i - 1] + np.sqrt(1 - 0.3**2) * noise[i]
    return rng.poisson(1000 * np.exp(0.3 * level - 0.045)).astype(float)


@pytest.mark.parametrize("draw", [overdispersed, following])
@pytest.mark.parametrize("periods", [1, 7])
def test_false_alarms_are_as_rare_as_they_should_be(draw: object, periods: int) -> None:
    assert callable(draw)
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(1000):
        rows = draw(rng, 30 + periods)
        alarms += compare_rates(rows[:30], rows[30:].sum(), periods).p_value <= 0.05

    assert 0.025 <= alarms / 1000 <= 0.075
