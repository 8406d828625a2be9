from datetime import UTC, datetime, timedelta

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
    now = datetime(2003, 5, 1, tzinfo=UTC)
    trigger = schedule(every="1h").trigger()

    assert trigger.get_next_fire_time(now, now) == now + timedelta(hours=1)


@pytest.mark.parametrize(
    ("keys", "gap"),
    [
        ({"every": "90s"}, timedelta(seconds=90)),
        ({"cron": "0 9 * * mon"}, timedelta(days=7)),
        ({"cron": "0 9 * * mon-fri"}, timedelta(days=3)),
        ({"cron": "*/5 9-17 * * *"}, timedelta(hours=15, minutes=5)),
        ({"cron": "0 3 1 * *"}, timedelta(days=31)),
    ],
)
def test_the_longest_time_between_two_runs(keys: dict[str, str], gap: timedelta) -> None:
    assert longest_gap(schedule(**keys)) == gap


@pytest.mark.parametrize("keys", [{}, {"every": "1h", "cron": "0 9 * * mon"}])
def test_one_of_the_two(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give one of the two: every"):
        schedule(**keys)
