"""A time of the week."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from recwatch_bridge.config import Report, WeeklyLook
from recwatch_bridge.retraining.schedule import read_report_schedule, read_schedule

HOUR, WEEK = 3_600, 604_800


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("settings", "now", "last", "following"),
    [
        ({}, "2026-11-21 12:00", "2026-11-15 02:00", "2026-11-22 02:00"),
        ({}, "2026-11-22 02:00", "2026-11-22 02:00", "2026-11-29 02:00"),
        ({}, "2026-11-22 01:59:59", "2026-11-15 02:00", "2026-11-22 02:00"),
        ({"day": "monday", "at": "23:30"}, "2026-11-23 23:45", "2026-11-23 23:30", "2026-11-30 23:30"),
        ({"timezone": "Europe/Berlin"}, "2026-07-05 00:30", "2026-07-05 00:00", "2026-07-12 00:00"),
        # Its Sunday begins while it is Saturday in UTC.
        ({"timezone": "Asia/Tokyo"}, "2026-11-21 18:00", "2026-11-21 17:00", "2026-11-28 17:00"),
    ],
)
def test_time_of_the_week(settings: dict[str, Any], now: str, last: str, following: str) -> None:
    schedule = read_schedule(WeeklyLook(**settings))
    assert schedule.last(at(now)) == at(last)
    assert schedule.next(at(now)) == at(following)


@pytest.mark.parametrize(
    ("day", "moment"),
    [
        # Skipped when clocks are put forward: it is 03:00 there.
        ("2026-03-29", "2026-03-29 01:00"),
        # There twice when they are put back: the first one.
        ("2026-10-25", "2026-10-25 00:00"),
    ],
)
def test_days_on_which_clocks_change(day: str, moment: str) -> None:
    schedule = read_schedule(WeeklyLook(timezone="Europe/Berlin"))
    assert schedule.last(at(f"{day} 12:00")) == at(moment)


@given(
    zone=some.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
    ),
    hour=some.integers(0, 23),
    now=some.floats(at("2020-01-01"), at("2030-01-01")),
)
def test_once_a_week_over_changes_of_clocks(zone: str, hour: int, now: float) -> None:
    schedule = read_schedule(WeeklyLook(at=f"{hour:02}:30", timezone=zone))
    assert schedule.last(now) <= now < schedule.next(now)
    moments = [schedule.last(now)]
    for _ in range(60):
        moments.append(schedule.next(moments[-1]))
    assert all(abs(later - earlier - WEEK) <= HOUR for earlier, later in pairwise(moments))
    assert all(schedule.last(moment) == moment for moment in moments)


@pytest.mark.parametrize(
    ("settings", "now", "last", "following"),
    [
        ({}, "2026-11-21 12:00", "2026-11-16 07:00", "2026-11-23 07:00"),
        ({"schedule": "Sunday 23:30"}, "2026-11-22 23:30", "2026-11-22 23:30", "2026-11-29 23:30"),
        ({"schedule": "07:00"}, "2026-11-21 06:59", "2026-11-20 07:00", "2026-11-21 07:00"),
        ({"schedule": " 07:00 "}, "2026-11-21 07:00", "2026-11-21 07:00", "2026-11-22 07:00"),
        # 02:30 does not come on the day on which clocks are put forward: it is as much later.
        (
            {"schedule": "02:30", "timezone": "Europe/Berlin"},
            "2026-03-29 00:00",
            "2026-03-28 01:30",
            "2026-03-29 01:30",
        ),
    ],
)
def test_times_of_the_report(settings: dict[str, Any], now: str, last: str, following: str) -> None:
    schedule = read_report_schedule(Report(**settings))
    assert schedule.last(at(now)) == at(last)
    assert schedule.next(at(now)) == at(following)


@pytest.mark.parametrize(
    "schedule", ["Mo 07:00", "7:00", "Mon 24:00", "Mon", "every day", "", "Mon  07:00:00", "mond 07:00"]
)
def test_schedules_that_are_none(schedule: str) -> None:
    with pytest.raises(ValueError, match="is not a schedule"):
        Report(schedule=schedule)
