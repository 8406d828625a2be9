from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.times import find_fault, parse_date, to_datetime, to_datetime64


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - hypothesis takes naive bounds
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]),
    )
)
def test_there_and_back_again(moment: datetime) -> None:
    assert to_datetime(to_datetime64(moment)) == moment


def test_a_date_without_a_zone_is_utc() -> None:
    assert parse_date("2003-05-01") == datetime(2003, 5, 1, tzinfo=UTC)
    assert parse_date("2003-05-01T07:00+07:00") == datetime(2003, 5, 1, tzinfo=UTC)


def test_what_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="isoformat"):
        parse_date("yesterday")


@pytest.mark.parametrize(
    ("after_now", "message"),
    [
        (timedelta(seconds=60), None),
        (timedelta(seconds=61), "2026-01-01T00:01:01+00:00 is in the future"),
        (timedelta(days=-365 * 25), None),
        (timedelta(days=-365 * 60), "is before 1970"),
    ],
)
def test_a_time_in_the_future_is_refused_beyond_a_minute(after_now: timedelta, message: str | None) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    fault = find_fault(now + after_now, now)
    assert (fault is None) if message is None else message in (fault or "")
