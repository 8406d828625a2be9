"""Figures and times as people read them."""

from datetime import UTC, datetime

from recwatch.redaction import mask_passwords
from recwatch_exporter.process.schedule import Schedule
from recwatch_exporter.sides import Current, Reference
from recwatch_exporter.sources.locations import Location

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 31_557_600
NOTHING = "\N{EN DASH}"
"""Where there is no figure."""
_SMALL, _LARGE = 1e-4, 1e5
# In one unit, the smaller one up to two days: 42 h is not 1 d.
_LENGTHS = (
    (_YEAR, "y", _YEAR),
    (_DAY, "d", 2 * _DAY),
    (_HOUR, "h", _HOUR),
    (_MINUTE, "min", _MINUTE),
    (1, "s", 1),
)
_UNITS = ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s"))


def figure(value: float | None) -> str:
    """Three significant digits; an en dash where there is none."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "\N{MINUS SIGN}")
    digits = max(3, len(str(int(abs(value)))))
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")


def amount(value: float | None, *, seconds: bool) -> str:
    """A statistic or a threshold: a length of time where the type counts seconds."""
    return duration(value) if seconds and value is not None else figure(value)


def count(value: int | None) -> str:
    """A number of rows, thousands apart."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.3g} %"


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    sign, seconds = ("\N{MINUS SIGN}", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 1:
        return f"{sign}{seconds * 1000:.0f} ms" if seconds else "0 s"
    if seconds < _MINUTE:
        return f"{sign}{seconds:.3g} s"
    for size, unit, smaller, small_unit in _UNITS:
        whole, rest = divmod(round(seconds / smaller), size // smaller)
        if whole:
            return f"{sign}{whole:,} {unit}" + (f" {rest} {small_unit}" if rest else "")
    raise AssertionError  # pragma: no cover - a minute or more has a unit


def ago(then: float, now: float) -> str:
    """How long ago, or in how long, in one unit."""
    apart = abs(now - then)
    for size, unit, least in _LENGTHS:
        if apart >= least:
            length = f"{int(apart // size)} {unit}"
            return f"{length} ago" if then <= now else f"in {length}"
    return "now"


def moment(at: float) -> str:
    """A time in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def schedule_text(schedule: Schedule) -> str:
    """When a check runs."""
    if schedule.every is not None:
        when = f"every {duration(schedule.every.total_seconds())}"
    else:
        when = f"at {schedule.cron} (cron, {schedule.timezone or 'UTC'})"
    return (
        when if schedule.jitter is None else f"{when}, up to {duration(schedule.jitter.total_seconds())} off"
    )


def side_text(side: Reference | Current) -> str:
    """Where one window's data is and which part of it is looked at; a query's text is left out."""
    parts = [_source_text(side)]
    if side.database is not None:
        parts.append(f"of {mask_passwords(side.database)}")
    parts += [f"where {key} = {value}" for key, value in side.filter.items()]
    if side.window is not None:
        until = "now" if isinstance(side, Current) and side.follow == "clock" else "its newest event"
        parts.append(f"the {duration(side.window.total_seconds())} up to {until}")
    return ", ".join(parts)


def _source_text(side: Reference | Current) -> str:
    frozen = f"profile {side.profile.pattern}" if isinstance(side, Reference) and side.profile else None
    if side.artifact is not None:
        name = frozen or side.file
        return f"the version in service of {side.artifact.pattern}" + (f": {name}" if name else "")
    if frozen is not None:
        return frozen
    if side.table is not None:
        return f"table {side.table}"
    if side.query is not None:
        return "a query"
    return side.path.pattern if isinstance(side.path, Location) else str(side.path)
