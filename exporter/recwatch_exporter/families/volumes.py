"""Check types that count rows by periods of time."""

import math
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np

from recwatch.durations import format_duration
from recwatch_exporter.checks.base import FloatArray, Frozen, Measurement
from recwatch_exporter.checks.row_count import FEWEST_PERIODS, RowCountOptions, compare_volumes
from recwatch_exporter.config import Check
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window
from recwatch_exporter.statistics.seasons import Volume

_HOUR = timedelta(hours=1)
_SHOWN = 40
_MOST_STRETCHES = 1_000_000
_AHEAD = timedelta(hours=14)
"""No time zone is further ahead of UTC, so a time that is has not merely lost its zone."""
_EMPTY = 0.5


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """All rows."""
    return (check.label,)


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Rows of each short stretch of whole periods, counted back from the newest event."""
    if check.timestamp is None:
        return {"rows": np.asarray(reference.rows())}
    assert check.reference is not None  # noqa: S101 - the configuration has checked it
    period = cast("RowCountOptions", check).period
    end = _newest(check, reference, run.now)
    parts = _parts(period)
    counts = np.empty(0) if end is None else _by_age(check, reference, end, period / parts)
    _refuse_emptiness(check, reference, counts, period / parts)
    window = check.reference.window
    periods = math.ceil(len(counts) / parts)
    whole = periods if window is None else math.floor(window / period)
    # The oldest period is whole only where the window says so: the data may begin within it.
    whole = whole if window is not None and periods >= whole else periods - 1
    if end is None or whole < FEWEST_PERIODS:
        raise StatisticError(
            f"reference: covers {max(0, whole)} whole periods of {format_duration(period)}, of which "
            f"{FEWEST_PERIODS} are needed: take a longer window, or a shorter period"
        )
    counts = np.pad(counts, (0, periods * parts - len(counts)))[: whole * parts]
    return {
        "counts": counts[::-1],
        "step": np.asarray((period / parts).total_seconds()),
        "end": np.asarray(end.timestamp()),
        "rows": np.asarray(int(counts.sum())),
    }


def measure(
    check: Check,
    feature: str,  # noqa: ARG001 - see `Family`
    frozen: Frozen,
    current: Window,
    *,
    run: Run,
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Hold the rate of rows against the reference's."""
    n_reference = int(frozen["rows"])
    if check.timestamp is None:
        rows = current.rows()
        ratio = rows / n_reference if n_reference else math.nan
        return _measurement(ratio, None, (n_reference, rows, n_reference), {})
    rows, periods, series, end = _current(check, current, run.now)
    if periods <= 0:  # as just after a promotion, before anything newer than the reference has come
        return _measurement(math.nan, None, (n_reference, rows, 0), {"periods": 0})
    options = cast("RowCountOptions", check)
    before = Volume(frozen["counts"], float(frozen["step"]), float(frozen["end"]))
    stop, seconds = end.timestamp(), options.period.total_seconds()
    found, season = compare_volumes(
        before, rows, stop - periods * seconds, stop, period=seconds, season=options.season.total_seconds()
    )
    whole = before.counts.reshape(-1, _parts(options.period)).sum(axis=1)
    details = {
        "period": format_duration(options.period),
        "season": format_duration(timedelta(seconds=season)),
        "periods": periods,
        "reference_periods": len(whole),
        "rate": found.current,
        "reference_rate": found.reference,
        "dispersion": found.dispersion if math.isfinite(found.dispersion) else None,
        "correlation": found.correlation if math.isfinite(found.correlation) else None,
        "by_period": {"reference": whole[-_SHOWN:].tolist(), "current": series[-_SHOWN:].tolist()},
    }
    return _measurement(found.change + 1, found.p_value, (n_reference, rows, n_reference), details)


def _measurement(
    ratio: float, p_value: float | None, rows: tuple[int, int, int], details: dict[str, Any]
) -> Measurement:
    n_reference, n_current, n_compared = rows
    return Measurement(
        statistic=ratio,
        effect_size=abs(ratio - 1),
        p_value=p_value,
        n_reference=n_reference,
        n_current=n_current,
        n_compared=n_compared,
        details=details,
    )


def _parts(period: timedelta) -> int:
    """How many stretches of at most an hour a period is counted in."""
    return math.ceil(period / _HOUR)


def _current(check: Check, current: Window, now: datetime) -> tuple[int, float, FloatArray, datetime]:
    """Rows, the number of periods that they are of, rows by period, oldest first, and when they end."""
    options, window = cast("RowCountOptions", check), check.current.window
    after = current.span.after
    end = _newest(check, current, now)
    if end is None:  # nothing was ever written; a window without a length counts as one period
        return 0, 1.0 if window is None else window / options.period, np.empty(0), now
    series = _by_age(check, current, end, options.period)
    if after is not None:
        return int(series.sum()), (end - after) / options.period, series[::-1], end
    _refuse_emptiness(check, current, series, options.period)
    if len(series) <= 1:
        raise StatisticError(
            f"current: covers less than one period of {format_duration(options.period)}: give its window"
        )
    series = series[:-1]  # the data begins somewhere within the oldest one
    return int(series.sum()), float(len(series)), series[::-1], end


def _newest(check: Check, window: Window, now: datetime) -> datetime | None:
    """The newest event, or where the window ends: periods are counted back from there."""
    end = window.span.until or window.newest(check.timestamp or "")
    if end is not None and end - now > _AHEAD:
        clock = "" if window.side == "reference" else ", or set current.window and follow: clock"
        raise StatisticError(
            f"{window.side}: its newest {check.timestamp} is {end.isoformat()}, which is to come: correct "
            f"such rows, or leave them out by a query{clock}"
        )
    return end


def _by_age(check: Check, window: Window, end: datetime, stretch: timedelta) -> FloatArray:
    """(stretches,) rows of each one before `end`, newest first, to the oldest one that has any."""
    counts = window.count_ages(check.timestamp or "", end=end, period=stretch)
    ages = counts.values.astype(np.int64)
    if len(ages) and ages.max() >= _MOST_STRETCHES:
        period = cast("RowCountOptions", check).period
        longer = ", or take a longer period" if stretch == period else ""
        length = f"periods of {format_duration(period)}" if longer else "hours"
        raise StatisticError(
            f"{window.side}: reaches more than {_MOST_STRETCHES} {length} back: "
            f"{_leave_out(check, window)}{longer}"
        )
    return np.bincount(ages[ages >= 0], weights=counts.counts[ages >= 0]).astype(np.float64)


def _refuse_emptiness(check: Check, window: Window, counts: FloatArray, stretch: timedelta) -> None:
    """Refuse rows with long gaps: their rate is none at which rows ever came.

    A gap is longer than a season, as a batch a week leaves days empty every week. A few rows of 1970, as
    broken clocks write them, make a gap of decades.
    """
    season = cast("RowCountOptions", check).season / stretch
    gaps = np.diff(np.flatnonzero(np.r_[1.0, counts, 1.0])) - 1
    empty = gaps[gaps > season].sum()
    if empty > _EMPTY * len(counts):
        raise StatisticError(
            f"{window.side}: holds no rows for {empty / len(counts):.1%} of its time, in gaps longer than a "
            f"season: {_leave_out(check, window)}"
        )


def _leave_out(check: Check, window: Window) -> str:
    """What to do about rows with a wrong time."""
    if window.span.after is not None:
        return f"take a shorter {window.side}.window"
    oldest = window.oldest(check.timestamp or "")
    words = "" if oldest is None else f"its oldest {check.timestamp} is {oldest.isoformat()}: "
    return f"{words}give {window.side}.window, or leave out rows with a wrong time by a query"
