from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pydantic import ValidationError

from recwatch_exporter.process.schedule import Schedule, longest_gap


def schedule(**keys: str) -> Schedule:
    return Schedule.model_validate(keys)


def test_monday_at_nine() -> None:
    trigger = schedule(cron="0 9 * * mon").trigger()

    fires = trigger.get_next_fire_time(None, datetime(2003, 5, 1, tzinfo=UTC))

    assert fires == datetime(2003, 5, 5, 9, tzinfo=UTC)


def test_every_hour() -> None:
    trigger = schedule(every="1h").trigger()
    first = trigger.get_next_fire_time(None, datetime.now(UTC))

    assert trigger.get_next_fire_time(first, first) == first + timedelta(hours=1)


def fires(start: datetime, count: int, **keys: str) -> list[datetime]:
    """The first times after a start, in UTC."""
    trigger, found = schedule(**keys).trigger(), list[datetime]()
    for _ in range(count):
        before = found[-1] if found else None
        found.append(trigger.get_next_fire_time(before, before or start))
    return [time.astimezone(UTC) for time in found]


def test_nine_stays_nine_when_the_clocks_change() -> None:
    """The seed's Monday 9:00, by the clock on the wall in Berlin."""
    monday = {"cron": "0 9 * * mon", "timezone": "Europe/Berlin"}

    assert fires(datetime(2026, 3, 20, tzinfo=UTC), 2, **monday) == [
        datetime(2026, 3, 23, 8, tzinfo=UTC),
        datetime(2026, 3, 30, 7, tzinfo=UTC),
    ]
    assert fires(datetime(2026, 10, 16, tzinfo=UTC), 2, **monday) == [
        datetime(2026, 10, 19, 7, tzinfo=UTC),
        datetime(2026, 10, 26, 8, tzinfo=UTC),
    ]


def test_a_time_that_the_clocks_skip_or_repeat() -> None:
    early = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}

    assert fires(datetime(2026, 3, 28, 12, tzinfo=UTC), 2, **early) == [
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]
    assert fires(datetime(2026, 10, 24, 12, tzinfo=UTC), 3, **early) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


@pytest.mark.parametrize("keys", [{"every": "1h"}, {"cron": "0 * * * *"}])
def test_jitter_puts_a_run_off_and_none_that_follow(keys: dict[str, str]) -> None:
    now = datetime.now(UTC)
    trigger = schedule(**keys, jitter="5m").trigger()
    plain = schedule(**keys).trigger().get_next_fire_time(None, now)

    run, late = None, list[timedelta]()
    for number in range(100):
        run = trigger.get_next_fire_time(run, run or now)
        late.append(run - plain - number * timedelta(hours=1))

    slack = timedelta(seconds=30)  # the two triggers were not made at once
    assert -slack <= min(late) < max(late) <= timedelta(minutes=5) + slack


BERLIN = {"timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("keys", "gap"),
    [
        ({"every": "90s"}, timedelta(seconds=90)),
        ({"every": "1h", "jitter": "5m"}, timedelta(hours=1, minutes=5)),
        ({"cron": "0 9 * * mon"}, timedelta(days=7)),
        ({"cron": "0 9 * * mon", **BERLIN}, timedelta(days=7, hours=1)),
        ({"cron": "0 9 * * mon", "jitter": "10m", **BERLIN}, timedelta(days=7, hours=1, minutes=10)),
        ({"cron": "0 9 * * mon-fri"}, timedelta(days=3)),
        ({"cron": "*/5 * * * *", **BERLIN}, timedelta(minutes=5)),
        ({"cron": "*/5 9-17 * * *"}, timedelta(hours=15, minutes=5)),
        ({"cron": "0 3 1 * *"}, timedelta(days=31)),
        ({"cron": "0 9 * jun-aug mon"}, timedelta(days=287)),
        ({"cron": "*/5 * * 1 *"}, timedelta(days=335, minutes=5)),
        ({"cron": "0 0 29 2 *"}, timedelta(days=1461)),
    ],
)
def test_the_longest_time_between_two_runs(keys: dict[str, str], gap: timedelta) -> None:
    assert longest_gap(schedule(**keys)) == gap


@pytest.mark.parametrize(
    "keys",
    [
        {"cron": "0 9 * * mon", **BERLIN},
        {"cron": "15,45 */6 * * *", "timezone": "America/New_York"},
        {"cron": "30 2 * * sun", "timezone": "Australia/Lord_Howe"},
    ],
)
def test_no_time_between_two_runs_is_longer(keys: dict[str, str]) -> None:
    times = fires(datetime(2024, 1, 1, tzinfo=UTC), 120 if "mon" in keys["cron"] else 3100, **keys)

    longest = max(after - before for before, after in pairwise(times))

    assert longest_gap(schedule(**keys)) == longest


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"cron": "0 9 31 2 *"}, "cron '0 9 31 2 \\*' never comes: correct its day and month"),
        ({"cron": "0 9 * * mon", "timezone": "Nowhere"}, "is not a time zone: give a name such as"),
        ({"cron": "0 9 * * mon", "timezone": "../zone"}, "is not a time zone: give a name such as"),
        ({"every": "1h", "timezone": "UTC"}, "timezone belongs to cron"),
        ({"every": "1h", "jitter": "1h"}, "jitter is as long as the time between two runs"),
    ],
)
def test_schedules_that_cannot_be(keys: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        schedule(**keys)


@pytest.mark.parametrize("keys", [{}, {"every": "1h", "cron": "0 9 * * mon"}])
def test_one_of_the_two(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give one of the two: every"):
        schedule(**keys)


@pytest.mark.parametrize("keys", [{"every": "900000000d"}, {"every": "1d", "jitter": "40000d"}])
def test_more_time_than_a_clock_can_count(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="is more than a hundred years: make it shorter"):
        schedule(**keys)


def test_the_longest_gap_is_known_once_a_schedule_is_read() -> None:
    """A scrape of a thousand checks has no time to find it."""
    read = schedule(cron="17 3 * * *", timezone="Europe/Berlin", jitter="5m")
    before = longest_gap.cache_info().misses

    assert longest_gap(read) == timedelta(hours=25, minutes=5)

    assert longest_gap.cache_info().misses == before
