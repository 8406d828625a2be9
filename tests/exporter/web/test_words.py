import pytest

from recwatch_exporter.process.schedule import Schedule
from recwatch_exporter.sides import Current, Reference, Side
from recwatch_exporter.web.words import (
    ago,
    amount,
    count,
    duration,
    figure,
    moment,
    percent,
    schedule_text,
    side_text,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "\N{EN DASH}"),
        (0.0, "0"),
        (0.19876, "0.199"),
        (-0.5, "\N{MINUS SIGN}0.5"),
        (0.001, "0.001"),
        (2.5e-7, "2.50e\N{MINUS SIGN}7"),
        (12345.6, "12346"),
        (9.87654e6, "9.88e6"),
    ],
)
def test_figures(value: float | None, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.0312, "31 ms"),
        (1.234, "1.23 s"),
        (60, "1 min"),
        (3599.9, "1 h"),
        (3660, "1 h 1 min"),
        (30 * 86400, "30 d"),
        (2.5 * 86400, "2 d 12 h"),
        (-90, "\N{MINUS SIGN}1 min 30 s"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_amounts_are_times_where_the_type_counts_seconds() -> None:
    assert amount(7200, seconds=True) == "2 h"
    assert amount(0.2, seconds=False) == "0.2"
    assert amount(None, seconds=True) == "\N{EN DASH}"


def test_counts_and_shares() -> None:
    assert count(1234567) == "1\u202f234\u202f567"
    assert percent(0.1234) == "12.3 %"


def test_times() -> None:
    assert ago(100, 100) == "now"
    assert ago(100, 130) == "30 s ago"
    assert ago(7300, 100) == "in 2 h"
    assert ago(0, 42 * 3600) == "42 h ago"
    assert ago(0, 3 * 86400) == "3 d ago"
    assert ago(0, 800 * 86400) == "2 y ago"
    assert moment(0) == "1970-01-01 00:00:00 UTC"


@pytest.mark.parametrize(
    ("schedule", "shown"),
    [
        ({"every": "90m"}, "every 1 h 30 min"),
        ({"every": "6h", "jitter": "10m"}, "every 6 h, up to 10 min off"),
        ({"cron": "0 9 * * mon"}, "at 0 9 * * mon (cron, UTC)"),
        ({"cron": "0 9 * * mon", "timezone": "Europe/Berlin"}, "at 0 9 * * mon (cron, Europe/Berlin)"),
    ],
)
def test_schedules(schedule: dict[str, str], shown: str) -> None:
    assert schedule_text(Schedule.model_validate(schedule)) == shown


@pytest.mark.parametrize(
    ("kind", "keys", "shown"),
    [
        (Reference, {"path": "ref/*.parquet"}, "ref/*.parquet"),
        (Reference, {"path": "log.csv", "window": "60d"}, "log.csv, the 60 d up to its newest event"),
        (
            Reference,
            {"artifact": "models/als", "file": "f.npy"},
            "the version in service of models/als: f.npy",
        ),
        (
            Reference,
            {"artifact": "models/als", "profile": "r.npz"},
            "the version in service of models/als: profile r.npz",
        ),
        (Reference, {"profile": "frozen/r.npz"}, "profile frozen/r.npz"),
        (
            Current,
            {"path": "log.csv", "filter": {"event": "play"}, "window": "7d", "follow": "clock"},
            "log.csv, where event = play, the 7 d up to now",
        ),
        (
            Current,
            {"query": "select 'secret' as x", "database": "postgresql://me:word@host/db"},
            "a query, of postgresql://me:***@host/db",
        ),
        (Current, {"table": "t", "database": "sqlite:///recwatch.db"}, "table t, of sqlite:///recwatch.db"),
    ],
)
def test_sides(kind: type[Side], keys: dict[str, object], shown: str) -> None:
    side = kind.model_validate(keys)

    assert isinstance(side, Reference | Current)
    assert side_text(side) == shown
