"""When a check runs: every so often, or at the times of a cron line."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Self

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from pydantic import AfterValidator, model_validator

from recwatch.config import Duration, Strict

_SHORTEST = timedelta(seconds=1)
_ANY_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
_RUNS = 10
_DAYS = timedelta(days=9)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than 0, such as 30d")
    return value


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A duration of more than 0."""


class Schedule(Strict):
    """`{every: 1h}` or `{cron: "0 9 * * mon"}` (UTC)."""

    every: PositiveDuration | None = None
    cron: str | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.every is None) == (self.cron is None):
            raise ValueError('give one of the two: every, such as 1h, or cron, such as "0 9 * * mon"')
        if self.every is not None and self.every < _SHORTEST:
            raise ValueError("every is less than 1s: make it longer")
        self.trigger()
        return self

    def trigger(self) -> Any:
        """The schedule as APScheduler takes it.

        Raises:
            ValueError: when the cron line is not one.
        """
        if self.every is not None:
            return IntervalTrigger(seconds=self.every.total_seconds(), timezone=UTC)
        cron = self.cron or ""
        fields = cron.split()
        if len(fields) == 5 and any(character.isdigit() for character in fields[4]):  # noqa: PLR2004 - cron's fields
            # APScheduler counts from Monday = 0, every cron from Sunday = 0.
            raise ValueError(f"cron {cron!r} gives days of the week as numbers: write mon, tue, ... sun")
        try:
            return CronTrigger.from_crontab(cron, timezone=UTC)
        except ValueError as error:
            raise ValueError(
                f"cron {cron!r} is not minute, hour, day, month, day of the week, "
                f'such as "0 9 * * mon": {error}'
            ) from None


@lru_cache(maxsize=1024)
def longest_gap(schedule: Schedule) -> timedelta:
    """The longest time between two runs: what a rule holds the age of the last success against.

    For a cron line, the longest among the runs of nine days, and at least ten runs.
    """
    if schedule.every is not None:
        return schedule.every
    trigger = schedule.trigger()
    start = run = trigger.get_next_fire_time(None, _ANY_MONDAY)
    longest, runs = timedelta(), 0
    while run is not None and (runs < _RUNS or run - start < _DAYS):
        following = trigger.get_next_fire_time(run, run)
        if following is None:
            break
        longest, run, runs = max(longest, following - run), following, runs + 1
    return longest
