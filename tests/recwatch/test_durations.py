from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.durations import format_duration, parse_duration
from recwatch.errors import DurationError


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", timedelta()),
        ("0s", timedelta()),
        ("15s", timedelta(seconds=15)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("60d", timedelta(days=60)),
        ("1y2w3d4h5m6s7ms", timedelta(days=365 + 14 + 3, hours=4, minutes=5, seconds=6, milliseconds=7)),
        ("90s", timedelta(seconds=90)),
    ],
)
def test_prometheus_notation(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", " 5m", "5 m", "5", "-5m", "1.5h", "30m1h", "5min", "1h1h", "\u0665m"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DurationError, match="such as 15s, 5m, 1h30m or 60d"):
        parse_duration(text)


def test_what_no_calendar_holds_is_refused() -> None:
    with pytest.raises(DurationError, match="too long"):
        parse_duration("99999999999y")


def test_a_refusal_is_a_value_error_too() -> None:
    assert issubclass(DurationError, ValueError)


@given(
    st.integers(min_value=0, max_value=10**12).map(lambda milliseconds: timedelta(milliseconds=milliseconds))
)
def test_what_is_written_reads_back(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_what_is_negative_cannot_be_written() -> None:
    with pytest.raises(DurationError, match="negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(minutes=90), "1h30m"),
        (timedelta(days=60), "60d"),
        (timedelta(milliseconds=1), "1ms"),
    ],
)
def test_writing(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text
