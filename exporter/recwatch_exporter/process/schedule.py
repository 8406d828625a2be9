"""When a check runs: every so often, or at the times of a cron line."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from pydantic import AfterValidator, model_validator

from recwatch.config import Duration, Strict

_SHORTEST = timedelta(seconds=1)
_LONGEST = timedelta(days=36_525)


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("must be longer than 0, such as 30d")
    if value > _LONGEST:
        raise ValueError("is more than a hundred years: make it shorter")
    return value


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
"""A duration of more than 0, and of at most a hundred years: clocks and timers take no more."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone: give a name such as Europe/Berlin or UTC") from None
    return name


class Schedule(Strict):
    """`{every: 1h}` or `{cron: "0 9 * * mon", timezone: Europe/Berlin}`, either with `jitter`."""

    every: PositiveDuration | None = None
    cron: str | None = None
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    jitter: PositiveDuration | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.every is None) == (self.cron is None):
            raise ValueError('give one of the two: every, such as 1h, or cron, such as "0 9 * * mon"')
        if self.every is not None and self.every < _SHORTEST:
            raise ValueError("every is less than 1s: make it longer")
        if self.every is not None and self.timezone is not None:
            raise ValueError("timezone belongs to cron; every counts from the start: remove it")
        self.trigger()
        # Once, here: a scrape has no time for it.
        longest = longest_gap(self)
        if self.jitter is not None and self.jitter >= longest - self.jitter:
            raise ValueError("jitter is as long as the time between two runs: make it shorter")
        return self

    @property
    def zone(self) -> tzinfo:
        """The zone of cron's times."""
        return UTC if self.timezone is None else ZoneInfo(self.timezone)

    def trigger(self) -> Any:
        """The schedule as APScheduler takes it.

        Raises:
            ValueError: when the cron line is not one.
        """
        jitter = None if self.jitter is None else self.jitter.total_seconds()
        if self.every is not None:
            return _Regular(seconds=self.every.total_seconds(), timezone=UTC, jitter=jitter)
        trigger = self._cron()
        trigger.jitter = jitter
        return trigger

    def _cron(self) -> Any:
        cron = self.cron or ""
        fields = cron.split()
        if len(fields) == 5 and any(character.isdigit() for character in fields[4]):  # noqa: PLR2004 - cron's fields
            # APScheduler counts from Monday = 0, every cron from Sunday = 0.
            raise ValueError(f"cron {cron!r} gives days of the week as numbers: write mon, tue, ... sun")
        try:
            trigger = CronTrigger.from_crontab(cron, timezone=self.zone)
        except ValueError as error:
            raise ValueError(
                f"cron {cron!r} is not minute, hour, day, month, day of the week, "
                f'such as "0 9 * * mon": {error}'
            ) from None
        if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=UTC)) is None:
            raise ValueError(f"cron {cron!r} never comes: correct its day and month")
        return trigger


class _Regular(IntervalTrigger):  # type: ignore[misc] # APScheduler has no types
    """Counts from its start: jitter puts off the run that it is drawn for, and none of those that follow."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        planned = None if previous is None else previous - (previous - self.start_date) % self.interval
        following: datetime | None = super().get_next_fire_time(planned, now)
        return following


@lru_cache(maxsize=16_384)
def longest_gap(schedule: Schedule) -> timedelta:
    """The longest time between two runs: what a rule holds the age of the last success against.

    For a cron line: the longest between two of its times in 2024 to 2032, which hold leap years, and
    where clocks change the longest around a change. Jitter may put off the later run of the two.
    """
    jitter = schedule.jitter or timedelta()
    if schedule.every is not None:
        return schedule.every + jitter
    trigger = schedule.model_copy(update={"jitter": None}).trigger()
    plain = _longest_between_days(trigger)
    around = (_gap_around(trigger, change) for change in _clock_changes(schedule.timezone or "UTC"))
    return max(plain, *around, timedelta()) + jitter


_FIRST, _LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def _longest_between_days(trigger: Any) -> timedelta:
    """The longest time between two runs where no clock changes.

    A cron line's days and times of day are independent, so each is looked at by itself.
    """
    fields = {field.name: field for field in trigger.fields}
    minutes = [
        minute
        for hour in _values(fields["hour"], 24, lambda value: _FIRST.replace(hour=value))
        for minute in (
            hour * 60 + value
            for value in _values(fields["minute"], 60, lambda value: _FIRST.replace(minute=value))
        )
    ]
    between = max((after - before for before, after in pairwise(minutes)), default=0)
    apart = _days_apart(*(str(fields[name]) for name in ("day", "month", "day_of_week")))
    overnight = apart * _DAY - (minutes[-1] - minutes[0]) * _MINUTE
    return max(between * _MINUTE, overnight)


@lru_cache(maxsize=1024)
def _days_apart(day: str, month: str, weekday: str) -> int:
    """The most days between two on which a cron line's last three fields hold."""
    fields = CronTrigger(day=day, month=month, day_of_week=weekday, timezone=UTC).fields
    asked = [field for field in fields if field.name in {"day", "month", "day_of_week"}]
    days = [
        number
        for number in range((_LAST - _FIRST).days)
        if all(_holds(field, _FIRST + number * _DAY) for field in asked)
    ]
    return max((after - before for before, after in pairwise(days)), default=len(days))


def _values(field: Any, count: int, at: Any) -> list[int]:
    return [value for value in range(count) if _holds(field, at(value))]


def _holds(field: Any, when: datetime) -> bool:
    return bool(field.get_next_value(when) == field.get_value(when))


def _gap_around(trigger: Any, change: datetime) -> timedelta:
    """The longest of the time between the last run before a change of the clocks and the next three."""
    run = _last_before(trigger, change)
    longest = timedelta()
    for _ in range(3):
        following = None if run is None else trigger.get_next_fire_time(run, run)
        if run is None or following is None:
            break
        longest, run = max(longest, _apart(run, following)), following
    return longest


def _last_before(trigger: Any, moment: datetime) -> datetime | None:
    """The last run before a moment, found by halving; None where there is none within nine years."""
    early = late = moment - _MINUTE
    found = None

    def comes(start: datetime) -> datetime | None:
        run: datetime | None = trigger.get_next_fire_time(None, start)
        return run if run is not None and run.astimezone(UTC) < moment else None

    for back in (_DAY / 24, 2 * _DAY, 40 * _DAY, _LAST - _FIRST):  # most lines come often
        early = moment - back
        found = comes(early)
        if found is not None:
            break
        late = early
    while found is not None and late - early > _MINUTE:
        middle = early + (late - early) / 2
        later = comes(middle)
        if later is None:
            late = middle
        else:
            early, found = middle, later
    return found


def _apart(before: datetime, after: datetime) -> timedelta:
    # Two times of one zone are subtracted by the clock on the wall, changes of it left out.
    return after.astimezone(UTC) - before.astimezone(UTC)


@lru_cache(maxsize=1024)
def _clock_changes(name: str) -> tuple[datetime, ...]:
    """When the clocks of a zone change, in two years, to the minute."""
    zone, changes = ZoneInfo(name), []
    for number in range(2 * 366):
        early, late = _FIRST + number * _DAY, _FIRST + (number + 1) * _DAY
        if _offset(zone, early) == _offset(zone, late):
            continue
        before = _offset(zone, early)
        while late - early > _MINUTE:
            middle = early + (late - early) / 2
            early, late = (middle, late) if _offset(zone, middle) == before else (early, middle)
        changes.append(late)
    return tuple(changes)


def _offset(zone: tzinfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
