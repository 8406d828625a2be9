"""A time of the week or of the day, over changes of clocks. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from recwatch_bridge.clock import moment
from recwatch_bridge.config import Report, WeeklyLook
from recwatch_bridge.config.watching import DAYS

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Schedule:
    """A time of the week, or of every day.

    Attributes:
        weekday: 0 is Monday; None is every day.
        at: the time of day. Where clocks that are put forward skip it, as much later; where it comes twice
            because they are put back, the first one.
        zone: whose time.
    """

    weekday: int | None
    at: time
    zone: ZoneInfo

    def last(self, now: float) -> float:
        """Return the last such moment until now, in seconds since the epoch."""
        today = self._day_of(now)
        day = today
        if self.weekday is not None:
            day -= timedelta(days=(today.weekday() - self.weekday) % 7)
        found = self._on(day)
        return found if found <= now else self._on(day - self.every)

    def next(self, now: float) -> float:
        """Return the first such moment after now."""
        return self._on(self._day_of(self.last(now)) + self.every)

    @property
    def every(self) -> timedelta:
        """Return the time from one such moment to the next, but for changes of clocks."""
        return _DAY if self.weekday is None else _WEEK

    def _day_of(self, at: float) -> date:
        return moment(at).astimezone(self.zone).date()

    def _on(self, day: date) -> float:
        return datetime.combine(day, self.at, self.zone).timestamp()


def read_schedule(settings: WeeklyLook) -> Schedule:
    """Make a schedule of what bridge.yml says."""
    return Schedule(DAYS.index(settings.day), time.fromisoformat(settings.at), ZoneInfo(settings.timezone))


def read_report_schedule(settings: Report) -> Schedule:
    """Make a schedule of what bridge.yml says about the report: `mon 07:00`, or `07:00` for every day."""
    day, _, at = settings.schedule.rpartition(" ")
    weekday = next((number for number, name in enumerate(DAYS) if day and name.startswith(day)), None)
    return Schedule(weekday, time.fromisoformat(at), ZoneInfo(settings.timezone))
