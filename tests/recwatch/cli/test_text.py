import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch.cli.text import duration, moment, number, percent, printable, sparkline


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.0, "0"),
        (12.0, "12"),
        (-3.0, "-3"),
        (0.189, "0.1890"),
        (1234.56, "1235"),
        (0.000012345, "1.234e-05"),
        (1e300, "1.000e+300"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
    ],
)
def test_numbers_have_four_digits(value: float | None, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "-"), (math.nan, "-"), (12.34, "+12.3 %"), (-5.0, "-5.0 %"), (0.0, "+0.0 %")]
)
def test_percents_have_a_sign(value: float | None, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (-1.0, "-"),
        (math.inf, "-"),
        (0.04, "0.0s"),
        (59.94, "59.9s"),
        (59.97, "1m 00s"),
        (245.0, "4m 05s"),
        (3599.6, "1h 00m"),
        (3 * 3600 + 59, "3h 00m"),
        (90_000, "1d 01h"),
    ],
)
def test_durations_have_two_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


def test_moments_are_in_utc() -> None:
    at = datetime(2026, 11, 21, 3, 15, tzinfo=UTC).astimezone(timezone(timedelta(hours=7)))
    assert moment(at) == "2026-11-21 03:15:00"
    assert moment(None) == "-"


def test_nothing_reaches_the_terminal_as_an_order() -> None:
    assert printable("a\x1b[31mb\nc\x9b\u202ed\0é") == r"a\x1b[31mb\nc\x9b\u202ed\x00é"


@given(st.text())
def test_what_is_printed_is_printable(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([1.0], "▄"),
        ([2.0, 2.0], "▄▄"),
        ([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], "▁▂▃▄▅▆▇█"),
        ([1.0, None, math.nan, math.inf, 0.0], "█   ▁"),
        ([None, None], "  "),
    ],
)
def test_a_sparkline_goes_from_the_least_to_the_greatest(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line


def test_a_long_sparkline_is_averaged() -> None:
    assert sparkline([0.0, 2.0, 7.0, 9.0], width=2) == "▁█"


@given(st.lists(st.none() | st.floats(min_value=-1e100, max_value=1e100), max_size=200), st.integers(1, 60))
def test_a_sparkline_is_never_wider_than_asked(values: list[float | None], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    assert set(line) <= set(" ▁▂▃▄▅▆▇█")
