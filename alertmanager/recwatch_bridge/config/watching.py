"""What the bridge does by the clock: Alertmanager's Watchdog, the weekly look for alerts, the report."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, field_validator, model_validator

from recwatch.config import Duration, Strict
from recwatch.durations import parse_duration
from recwatch.report.period import LONGEST, SHORTEST
from recwatch_bridge.config.values import NOTHING, Some

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Watchdog(Strict):
    """How long Alertmanager's always-firing Watchdog may stay away before the bridge says so itself.

    `watchdog: true` and `watchdog: false` are short for `enabled`.
    """

    enabled: bool = True
    timeout: Duration = parse_duration("10m")

    @model_validator(mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        return {"enabled": value} if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _above_nothing(self) -> Self:
        if self.timeout <= NOTHING:
            raise ValueError("timeout must be above 0")
        return self


def _is_time(value: Any) -> str:
    # YAML takes 12:00 without quotes for a number of minutes.
    if not isinstance(value, str) or re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value) is None:
        raise ValueError('is not a time of day: write it in quotes, as "02:00"')
    return value


def _is_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone: write it as UTC or Europe/Berlin") from None
    return value


class WeeklyLook(Strict):
    """When the bridge asks Prometheus which alerts with `action=retrain` fire.

    `weekly_look: true` and `weekly_look: false` are short for `enabled`.
    """

    enabled: bool = True
    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "sunday"
    at: Annotated[str, BeforeValidator(_is_time)] = "02:00"
    timezone: Annotated[str, AfterValidator(_is_zone)] = "UTC"

    @model_validator(mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        return {"enabled": value} if isinstance(value, bool) else value


def _is_schedule(value: Any) -> str:
    # YAML takes 07:00 without quotes for a number of minutes.
    found = None
    if isinstance(value, str):
        found = re.fullmatch(r"(?:([a-z]{3,9})\s+)?((?:[01]\d|2[0-3]):[0-5]\d)", value.strip().lower())
    day = "" if found is None else found[1] or ""
    if found is None or (day and day not in (*DAYS, *(known[:3] for known in DAYS))):
        raise ValueError('is not a schedule: write it in quotes, as "Mon 07:00", or "07:00" for every day')
    return f"{day[:3]} {found[2]}".strip()


class Report(Strict):
    """When the report of `recwatch report` is sent, about how long a time, and through which sinks.

    `report: true` and `report: false` are short for `enabled`.
    """

    enabled: bool = True
    schedule: Annotated[str, BeforeValidator(_is_schedule)] = "mon 07:00"
    timezone: Annotated[str, AfterValidator(_is_zone)] = "UTC"
    period: Duration = parse_duration("7d")
    sinks: Some[Literal["email", "slack"]] = ("email",)

    @model_validator(mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        return {"enabled": value} if isinstance(value, bool) else value

    @field_validator("period")
    @classmethod
    def _can_be_told_of(cls, value: timedelta) -> timedelta:
        if not SHORTEST <= value <= LONGEST:
            raise ValueError("must be 1h at least and 92d at most")
        return value
