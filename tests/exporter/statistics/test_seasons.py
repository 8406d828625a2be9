import numpy as np
import pytest

from recwatch_exporter.statistics.seasons import Volume, expected, tiled

HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0


def test_rows_between_times() -> None:
    volume = Volume(np.array([4.0, 0, 8]), HOUR, 10 * HOUR)

    assert volume.begin == 7 * HOUR
    found = volume.between(np.array([7, 7.5, 8, 9.25]) * HOUR, np.array([10, 8, 9, 9.75]) * HOUR)
    assert found.tolist() == [12.0, 2.0, 0.0, 4.0]


@pytest.mark.parametrize(("time", "left"), [(10, 3), (9.5, 2), (9, 2), (7, 0), (1, 0), (20, 3)])
def test_what_lies_before_a_time(time: float, left: int) -> None:
    volume = Volume(np.array([4.0, 0, 8]), HOUR, 10 * HOUR).before(time * HOUR)

    assert volume.counts.tolist() == [4.0, 0.0, 8.0][:left]
    assert volume.begin == 7 * HOUR


def test_a_day_is_held_against_the_same_day_of_other_weeks() -> None:
    days = np.array([[10.0, 11, 12, 13, 14, 15, 3], [20, 21, 22, 23, 24, 25, 5]])
    volume = Volume(days.ravel(), DAY, 14 * DAY)

    sunday = expected(volume, 20 * DAY, 21 * DAY, period=DAY, season=WEEK)
    weekend = expected(volume, 19 * DAY, 21 * DAY, period=DAY, season=WEEK)
    weeks = expected(volume, 14 * DAY, 35 * DAY, period=DAY, season=WEEK)

    assert (sunday.rows, weekend.rows) == (4.0, 24.0)
    assert [sunday.weight, weekend.weight] == pytest.approx([2.0, 2.0])
    assert weeks.rows == pytest.approx(3 * days.sum() / 2)
    assert weeks.weight == pytest.approx(2 / 3)


def test_part_of_a_period_is_held_against_the_same_part() -> None:
    hours = np.tile(np.r_[np.zeros(12), np.full(12, 5.0)], 21)
    volume = Volume(hours, HOUR, 21 * DAY)

    def rows(first: float, last: float) -> float:
        return expected(volume, first * DAY, last * DAY, period=DAY, season=WEEK).rows

    assert rows(21, 21.5) == 0.0
    assert rows(21.5, 22) == 60.0
    assert rows(21.75, 23) == pytest.approx(30 + 60)
    assert rows(21.75, 30) == pytest.approx(30 + 8 * 60)


def test_a_time_of_which_the_reference_holds_nothing() -> None:
    volume = Volume(np.ones(3), DAY, 3 * DAY)

    found = expected(volume, 5 * DAY, 6 * DAY, period=DAY, season=WEEK)

    assert np.isnan(found.rows)


def test_stretches_and_their_times_of_the_season() -> None:
    volume = Volume(np.arange(16.0), DAY, 16 * DAY)

    counts, phases = tiled(volume, 20 * DAY, unit=DAY, every=DAY, season=WEEK)
    parts, of_day = tiled(volume, 20.25 * DAY, unit=DAY / 2, every=DAY, season=DAY)

    assert counts.tolist() == np.arange(16.0).tolist()
    assert phases.tolist() == [(19 - day) % 7 for day in range(16)]
    # The second half of a day and a quarter of the next: from 0.75 to 1.25, and so on.
    assert parts.tolist() == [day / 2 + 0.25 + 0.0 for day in range(15)]
    assert set(of_day.tolist()) == {0}
