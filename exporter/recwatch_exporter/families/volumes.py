"""Check types that count rows by periods of time."""

import math
from datetime import datetime
from typing import Any, cast

import numpy as np

from recwatch.durations import format_duration
from recwatch_exporter.checks.base import FloatArray, Frozen, Measurement
from recwatch_exporter.checks.row_count import FEWEST_PERIODS, RowCountOptions, compare_rates
from recwatch_exporter.config import Check
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.families.base import Run
from recwatch_exporter.sources.window import Window

_SHOWN = 40
_MOST_PERIODS = 1_000_000


def features(check: Check, current: Window) -> tuple[str, ...]:  # noqa: ARG001 - see `Family`
    """All rows."""
    return (check.label,)


def freeze(check: Check, feature: str, reference: Window, run: Run) -> Frozen:  # noqa: ARG001 - see `Family`
    """Rows of each whole period, counted back from the newest event."""
    if check.timestamp is None:
        return {"rows": np.asarray(reference.rows())}
    assert check.reference is not None  # noqa: S101 - the configuration has checked it
    period = cast("RowCountOptions", check).period
    end = reference.span.until or reference.newest(check.timestamp)
    counts = np.empty(0) if end is None else _by_age(check, reference, end)
    window = check.reference.window
    whole = len(counts) if window is None else math.floor(window / period)
    # The oldest period is whole only where the window says so: the data may begin within it.
    counts = counts[:whole] if window is not None and len(counts) >= whole else counts[:-1]
    if len(counts) < FEWEST_PERIODS:
        raise StatisticError(
            f"reference: covers {len(counts)} whole periods of {format_duration(period)}, of which "
            f"{FEWEST_PERIODS} are needed: take a longer window, or a shorter period"
        )
    return {"counts": counts[::-1], "rows": np.asarray(int(counts.sum()))}


def measure(
    check: Check,
    feature: str,  # noqa: ARG001 - see `Family`
    frozen: Frozen,
    current: Window,
    *,
    run: Run,  # noqa: ARG001 - see `Family`
    reference: Window | None,  # noqa: ARG001 - see `Family`
) -> Measurement:
    """Hold the rate of rows against the reference's."""
    n_reference = int(frozen["rows"])
    if check.timestamp is None:
        rows = current.rows()
        ratio = rows / n_reference if n_reference else math.nan
        return _measurement(ratio, None, (n_reference, rows, n_reference), {})
    rows, periods, series = _current(check, current)
    if periods <= 0:  # as just after a promotion, before anything newer than the reference has come
        return _measurement(math.nan, None, (n_reference, rows, 0), {"periods": 0})
    found = compare_rates(frozen["counts"], rows, periods)
    period = format_duration(cast("RowCountOptions", check).period)
    details = {
        "period": period,
        "periods": periods,
        "reference_periods": len(frozen["counts"]),
        "rate": found.current,
        "reference_rate": found.reference,
        "dispersion": found.dispersion if math.isfinite(found.dispersion) else None,
        "correlation": found.correlation if math.isfinite(found.correlation) else None,
        "by_period": {"reference": frozen["counts"][-_SHOWN:].tolist(), "current": series[-_SHOWN:].tolist()},
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


def _current(check: Check, current: Window) -> tuple[int, float, FloatArray]:
    """Rows, the number of periods that they are of, and rows by period, oldest first."""
    options, window = cast("RowCountOptions", check), check.current.window
    after, until = current.span.after, current.span.until
    end = until or current.newest(check.timestamp or "")
    if end is None:  # nothing was ever written; a window without a length counts as one period
        return 0, 1.0 if window is None else window / options.period, np.empty(0)
    series = _by_age(check, current, end)
    if after is not None:
        return int(series.sum()), (end - after) / options.period, series[::-1]
    if len(series) <= 1:
        raise StatisticError(
            f"current: covers less than one period of {format_duration(options.period)}: give its window"
        )
    series = series[:-1]  # the data begins somewhere within the oldest one
    return int(series.sum()), float(len(series)), series[::-1]


def _by_age(check: Check, window: Window, end: datetime) -> FloatArray:
    """(periods,) rows of each period before `end`, newest first, to the oldest one that has any."""
    period = cast("RowCountOptions", check).period
    counts = window.count_ages(check.timestamp or "", end=end, period=period)
    ages = counts.values.astype(np.int64)
    if len(ages) and ages.max() >= _MOST_PERIODS:
        raise StatisticError(
            f"{window.side}: reaches {ages.max() + 1} periods of {format_duration(period)} back: give its "
            "window, or a longer period"
        )
    return np.bincount(ages[ages >= 0], weights=counts.counts[ages >= 0]).astype(np.float64)
