import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recwatch_exporter.checks.row_count import RateComparison, compare_rates, compare_volumes
from recwatch_exporter.statistics.seasons import Volume

HOUR = 3600.0


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


def hours(rng: np.random.Generator, days: int, *, spread: float, rows: float = 1000) -> np.ndarray:
    """Rows of each hour: Sundays and nights are quiet, busy days come by chance, of variance `spread`."""
    clock = np.arange(24 * days)
    day = np.where(np.arange(days) % 7 == 6, 0.3, 1.0) * rng.gamma(1 / spread, spread, size=days)
    return rng.poisson(rows / 24 * (1 + 0.8 * np.sin(clock * np.pi / 12)) * np.repeat(day, 24)).astype(float)


def held(rows: np.ndarray, days: int, length: int, late: int = 0, factor: float = 1) -> RateComparison:
    """The hours from `late` hours after the reference of so many days."""
    first = 24 * days + late
    now = factor * rows[first : first + length].sum()
    volume = Volume(rows[: 24 * days], HOUR, 24 * days * HOUR)
    start, stop = first * HOUR, (first + length) * HOUR
    return compare_volumes(volume, now, start, stop, period=24 * HOUR, season=7 * 24 * HOUR)[0]


@pytest.mark.parametrize(
    ("days", "length"), [(56, 24), (56, 6), (56, 36), (56, 168), (30, 72), (15, 24)], ids=str
)
def test_usual_weeks_are_seldom_told(days: int, length: int) -> None:
    rng = np.random.default_rng(0)

    found = [
        held(hours(rng, days + 21, spread=0.02), days, length, late=int(rng.integers(168)))
        for _ in range(200)
    ]

    assert np.mean([item.p_value <= 0.05 for item in found]) <= 0.09  # of 200: three standard errors
    assert np.mean([item.p_value <= 0.05 and abs(item.change) >= 0.5 for item in found]) <= 0.01


def day_and_night(rng: np.random.Generator, hours: int) -> np.ndarray:
    """Rows of each hour of days that vary by 32 %, of which weekends have four tenths."""
    clock = np.arange(hours)
    day = rng.gamma(10, 1 / 10, hours // 24 + 1) * np.where(np.arange(hours // 24 + 1) % 7 >= 5, 0.4, 1.0)
    return rng.poisson(20 * (1 + 0.6 * np.sin((clock - 6) * np.pi / 12)) * day[clock // 24]).astype(float)


@pytest.mark.parametrize(
    ("weekday", "late", "length"),
    [(2, 12, 1), (2, 0, 1), (2, 9, 6), (2, 21, 6), (2, 0, 24), (6, 0, 24), (6, 9, 6), (0, 0, 168)],
    ids=["noon", "midnight", "six hours of day", "six of night", "wednesday", "sunday", "its day", "week"],
)
def test_days_that_vary_by_a_factor_are_told_as_seldom_when_busy_as_when_quiet(
    weekday: int, late: int, length: int
) -> None:
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(400):
        rows = day_and_night(rng, 24 * (56 + weekday) + late + length)
        first = 24 * weekday
        alarms += held(rows[first:], 56, length, late=late).p_value <= 0.05

    assert 0.022 <= alarms / 400 <= 0.085  # of 400: 0.03 to 0.07 and three quarters of a standard error more


def test_half_an_hour_off_the_reference_varies_as_much() -> None:
    rng, alarms = np.random.default_rng(12), 0
    for _ in range(400):
        minutes = rng.poisson(10, 57 * 48).astype(float)  # rows of half an hour
        volume = Volume(minutes[: 56 * 48].reshape(-1, 2).sum(axis=1), HOUR, 56 * 24 * HOUR)
        start = (56 * 24 + 12.5) * HOUR
        now = minutes[56 * 48 + 25 : 56 * 48 + 27].sum()
        found, _ = compare_volumes(volume, now, start, start + HOUR, period=24 * HOUR, season=7 * 24 * HOUR)
        alarms += found.p_value <= 0.05

    assert 0.022 <= alarms / 400 <= 0.085


def test_half_the_rows_of_a_sunday_are_told() -> None:
    rng = np.random.default_rng(1)
    rows = [hours(rng, 63, spread=0.005) for _ in range(50)]

    usual = [held(item, 56, 24, late=6 * 24) for item in rows]
    half = [held(item, 56, 24, late=6 * 24, factor=0.5) for item in rows]

    assert np.mean([item.p_value <= 0.05 for item in usual]) <= 0.12
    assert np.mean([item.p_value <= 0.01 for item in half]) >= 0.98


def test_a_usual_night_after_a_promotion_is_no_drift() -> None:
    rows = hours(np.random.default_rng(2), 11, spread=0.001)

    found = held(rows, 10, 6, late=15)  # from 15 to 21 h, where a tenth of the day's rows come

    assert abs(found.change) < 0.3
    assert found.p_value > 0.05


def test_what_is_looked_at_is_no_part_of_what_was_usual() -> None:
    flood = np.full(24 * 21, 10.0)
    flood[-24:] = 50
    volume = Volume(flood, HOUR, 21 * 24 * HOUR)

    found, season = compare_volumes(
        volume, 1200, 20 * 24 * HOUR, 21 * 24 * HOUR, period=24 * HOUR, season=7 * 24 * HOUR
    )

    assert found.change == pytest.approx(4.0)
    assert season == 7 * 24 * HOUR


def test_an_hour_at_which_rows_never_come() -> None:
    rows = np.tile(np.r_[np.zeros(12), np.full(12, 5.0)], 21)

    silent, noisy = held(np.r_[rows, np.zeros(24)], 21, 6), held(np.r_[rows, np.ones(24)], 21, 6)

    assert (silent.change, silent.p_value) == (0.0, 1.0)
    assert np.isnan([noisy.change, noisy.p_value]).all()
