from datetime import timedelta

import pytest

from recwatch.report.errors import ReportError
from recwatch.report.period import MOST_POINTS, period_until

END = 1_794_812_400.0


@pytest.mark.parametrize(
    ("length", "step", "name"),
    [
        (timedelta(hours=1), 15.0, "1 hour"),
        (timedelta(days=1), 300.0, "1 day"),
        (timedelta(days=7), 3_600.0, "7 days"),
        (timedelta(days=92), 43_200.0, "92 days"),
        (timedelta(hours=36), 600.0, "36 hours"),
        (timedelta(minutes=90), 30.0, "90 minutes"),
        (timedelta(hours=1, seconds=1), 15.0, "3601 seconds"),
    ],
)
def test_a_series_has_few_points(length: timedelta, step: float, name: str) -> None:
    period = period_until(END, length)
    assert (period.end, period.seconds, period.step, period.name) == (END, length.total_seconds(), step, name)
    assert period.seconds / period.step <= MOST_POINTS


def test_drift_is_counted_in_days_or_hours() -> None:
    assert period_until(END, timedelta(days=7)).slot == (86_400.0, "days")
    assert period_until(END, timedelta(days=1)).slot == (3_600.0, "hours")


@pytest.mark.parametrize("length", [timedelta(minutes=59), timedelta(days=93), timedelta(0)])
def test_lengths_that_cannot_be_told_of(length: timedelta) -> None:
    with pytest.raises(ReportError, match="1h at least and 92d at most"):
        period_until(END, length)


@pytest.mark.parametrize("end", [0.0, -1e9, 1e12])
def test_times_that_no_prometheus_holds(end: float) -> None:
    with pytest.raises(ReportError, match="no Prometheus holds that time"):
        period_until(end, timedelta(days=1))
