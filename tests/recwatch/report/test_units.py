import pytest

from recwatch.report.units import Unit, change, difference, duration, moment, stamp, value


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "number", "-"),
        (float("nan"), "ratio", "-"),
        (float("inf"), "seconds", "-"),
        (0.0, "seconds", "0 s"),
        (0.00084, "seconds", "0.84 ms"),
        (0.2409, "seconds", "241 ms"),
        (1.5, "seconds", "1.5 s"),
        (59.99, "seconds", "60 s"),
        (60, "seconds", "1 min"),
        (131, "seconds", "2 min 11 s"),
        (3_600 * 27, "seconds", "1 d 3 h"),
        (-5, "seconds", "-5 s"),
        (1e300, "seconds", "1.16e+295 d"),
        (1e16, "count", "1e+16"),
        (0.0538, "ratio", "5.38 %"),
        (1.0, "ratio", "100 %"),
        (0.9995, "ratio", "99.95 %"),
        (0.99, "ratio", "99 %"),
        (0.000012, "ratio", "0.0012 %"),
        (12_345.4, "count", "12,345"),
        (2_345_678, "count", "2.35 M"),
        (3.2e9, "count", "3.20 G"),
        (2.504, "rate", "2.5/s"),
        (1234.5, "number", "1,234"),
        (0.00001234, "number", "1.2e-05"),
        (12_345_678.0, "number", "1.23e+07"),
    ],
)
def test_values(number: float | None, unit: Unit, text: str) -> None:
    assert value(number, unit) == text


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [
        (1.08, 1.0, "▲ 8 %"),
        (0.88, 1.0, "▼ 12 %"),
        (1.004, 1.0, ""),
        (5.0, 0.0, ""),
        (None, 1.0, ""),
        (1.0, None, ""),
        (float("nan"), 1.0, ""),
        (50.0, 2.0, "▲ to the 25-fold"),
        (-2.0, -1.0, "▼ 100 %"),
    ],
)
def test_changes(new: float | None, old: float | None, text: str) -> None:
    assert change(new, old) == text


@pytest.mark.parametrize(
    ("new", "old", "text"),
    [(0.2, 0.6, "▼ 40 points"), (0.6, 0.2, "▲ 40 points"), (0.6, 0.602, ""), (0.6, None, "")],
)
def test_differences_of_ratios_are_points(new: float | None, old: float | None, text: str) -> None:
    assert difference(new, old) == text


def test_what_became_infinite_is_no_duration() -> None:
    assert (duration(1.7e308 * 60), duration(float("-inf"))) == ("-", "-")


def test_moments_are_utc() -> None:
    assert moment(1.794812e12) == "no date: 1.79e+12"
    assert (moment(-1e300), moment(float("inf"))) == ("no date: -1e+300", "no date: inf")
    assert (moment(1_794_812_400.0), stamp(1_794_812_400.0)) == ("2026-11-16 07:00", "2026-11-16T07:00:00Z")
