from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.times import parse_date, to_datetime, to_datetime64


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
