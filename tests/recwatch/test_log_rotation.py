from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recwatch.errors import ConfigError
from recwatch.log_rotation import Rotated, Rotation, find_rotated, next_name, surplus

pytestmark = pytest.mark.usefixtures("in_hanoi")
NOW = datetime(2025, 1, 16, 12, tzinfo=UTC)


def test_a_file_is_full_before_a_line_would_exceed_it() -> None:
    rotation = Rotation(max_bytes=100)
    now = NOW.timestamp()
    assert not rotation.is_due(90, now, now, more=10)
    assert rotation.is_due(90, now, now, more=11)
    # A line longer than the limit goes to an empty file: another would be no better.
    assert not rotation.is_due(0, now, now, more=500)


def test_a_day_ends_at_local_midnight() -> None:
    rotation = Rotation(max_bytes=None, every=timedelta(days=1))
    midnight = datetime(2025, 1, 15, 17, tzinfo=UTC).timestamp()
    assert not rotation.is_due(1, midnight - 86400, midnight - 1, more=1)
    assert rotation.is_due(1, midnight - 1, midnight, more=1)
    assert not rotation.is_due(0, midnight - 1, midnight, more=1)


def test_an_hour_ends_on_the_hour() -> None:
    rotation = Rotation(max_bytes=None, every=timedelta(hours=1))
    at = NOW.timestamp()
    assert rotation.is_due(1, at - 1, at, more=1)
    assert not rotation.is_due(1, at, at + 3599, more=1)
    # A clock that was set back begins no new period.
    assert not rotation.is_due(1, at, at - 7200, more=1)


def _files(*sizes_and_days: tuple[int, int]) -> list[Rotated]:
    return [Rotated(Path(str(days)), NOW - timedelta(days=days), size) for size, days in sizes_and_days]


@pytest.mark.parametrize(
    ("limits", "gone"),
    [
        ({"keep": 10}, []),
        ({"keep": 2}, ["3", "9"]),
        ({"keep": 0}, ["1", "2", "3", "9"]),
        ({"keep": None, "keep_bytes": 25}, ["3", "9"]),
        ({"keep": None, "keep_bytes": 5}, ["1", "2", "3", "9"]),
        ({"keep": None, "keep_for": timedelta(days=3)}, ["9"]),
        ({"keep": 3, "keep_bytes": 25, "keep_for": timedelta(days=1)}, ["2", "3", "9"]),
        ({"keep": None}, []),
    ],
)
def test_what_goes(limits: dict[str, Any], gone: list[str]) -> None:
    found = _files((10, 1), (10, 2), (10, 3), (10, 9))
    assert [str(item.path) for item in surplus(Rotation(**limits), found, NOW)] == gone


def test_what_was_put_aside_is_found_by_its_name(tmp_path: Path) -> None:
    log = tmp_path / "a[1].log"
    names = [
        "a[1].log.20250116T120000.000001Z",
        "a[1].log.20250116T120000.000000Z",
        "a[1].log.20250115T235959.999999Z",
    ]
    others = ["a[1].log", "a[1].log.1", "a[1].log.20259916T120000.000000Z", "a1.log.20250116T120000.000000Z"]
    for name in [*names, *others]:
        (tmp_path / name).write_text("x" * 7)
    found = find_rotated(log)
    assert [(item.path.name, item.size) for item in found] == [(name, 7) for name in names]
    assert found[1].at == NOW


def test_names_follow_each_other_though_the_clock_does_not(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    first = next_name(log, [], NOW)
    assert first.name == "a.log.20250116T120000.000000Z"
    first.touch()
    for now in (NOW, NOW - timedelta(hours=1)):
        assert next_name(log, find_rotated(log), now).name == "a.log.20250116T120000.000001Z"


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_bytes": None}, "would never happen: give one of them"),
        ({"max_bytes": 0}, "max_bytes is 0: give at least 1"),
        ({"keep": -1}, "keep is -1: give at least 0, or None for no limit"),
        ({"keep_bytes": -1}, "keep_bytes is -1"),
        ({"every": timedelta(0)}, "every is 0:00:00: give a time above 0"),
        ({"keep_for": timedelta(days=-1)}, "keep_for is -1 day"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Rotation(**limits)
