from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch.errors import ConfigError
from recwatch_exporter.checks.row_count import compare_rates
from recwatch_exporter.config import Check
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
MakeCheck = Callable[..., Check]
Days = Callable[[Sequence[float]], pa.Array]
Run = Callable[..., Finding]
COUNTS = [90, 115, 80, 120, 95, 125, 85, 110, 80, 120]
NOW = START + timedelta(days=12)


@pytest.fixture
def run(make_check: MakeCheck, deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        plain = {
            "type": "row_count",
            "column": None,
            "timestamp": "t",
            "threshold": 0.5,
            "min_rows": 50,
            "reference": {"path": "ref.parquet", "window": "10d"},
            "current": {"path": "cur.parquet", "window": "2d", "follow": "clock"},
        }
        (found,) = run_check(make_check(**plain | keys), now=NOW, deadline=deadline).findings
        return found

    return measured


@pytest.fixture
def rows(write: Write, days: Days) -> Callable[..., Path]:
    """Write so many rows a day, from one day after another, evenly; the last one at the day's very end."""

    def write_rows(name: str, counts: Sequence[int], first: float = 0) -> Path:
        times = [first + day + (k + 1) / n for day, n in enumerate(counts) for k in range(n)]
        return write(name, t=days(times), rating=np.zeros(len(times)))

    return write_rows


def test_far_fewer_rows_than_always(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [20, 10], first=10)

    found = run()

    expected = compare_rates(np.array(COUNTS, dtype=float), 30, 2)
    assert found.statistic == pytest.approx(15 / 102, abs=1e-12)
    assert found.effect_size == pytest.approx(1 - 15 / 102, abs=1e-12)
    assert found.p_value == pytest.approx(expected.p_value, abs=1e-12)
    assert found.detected
    assert (found.n_reference, found.n_current) == (1020, 30)
    assert found.details["by_period"] == {"reference": COUNTS, "current": [20, 10]}
    assert (found.details["periods"], found.details["reference_periods"]) == (2.0, 10)


def test_far_more_rows_than_always(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [300, 310], first=10)

    found = run()

    assert found.effect_size == pytest.approx(305 / 102 - 1, abs=1e-12)
    assert found.detected


def test_as_many_rows_as_always(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [130, 80], first=10)

    found = run()

    assert found.p_value is not None
    assert found.p_value > 0.3
    assert not found.detected


def test_no_rows_at_all_is_the_greatest_lack(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [100])  # long before the window

    found = run()

    assert (found.statistic, found.effect_size, found.n_current) == (0.0, 1.0, 0)
    assert found.detected


def test_no_files_at_all_is_no_rows(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)

    found = run(current={"path": "none-*.parquet", "window": "2d", "follow": "clock"})

    assert (found.effect_size, found.detected) == (1.0, True)


def test_a_window_of_part_of_a_period_counts_as_that_part(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [100, 100], first=10)

    found = run(current={"path": "cur.parquet", "window": "12h", "follow": "clock"})

    usual = np.mean([n - n // 2 for n in COUNTS])  # of the same halves of days
    assert found.statistic == pytest.approx(50 / usual, abs=1e-12)
    assert found.details["season"] == "1d"


def test_without_windows_the_oldest_period_is_left_out(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", [7, *COUNTS])
    rows("cur.parquet", [3, 100, 104])

    found = run(reference={"path": "ref.parquet"}, current={"path": "cur.parquet"})

    assert found.n_reference == 1020
    assert found.n_current == 204
    assert found.statistic == pytest.approx(1.0, abs=1e-12)


def test_the_window_of_a_young_source_begins_with_its_data(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", [7, *COUNTS], first=-1)
    rows("cur.parquet", [102, 102], first=10)

    found = run(reference={"path": "ref.parquet", "window": "90d"})

    assert found.details["reference_periods"] == 10
    assert found.statistic == pytest.approx(1.0, abs=1e-12)


def test_longer_periods(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [100, 100], first=10)

    found = run(period="2d")

    assert found.details["by_period"]["reference"] == [205, 200, 220, 195, 200]
    assert found.details["period"] == "2d"


def test_without_times_the_numbers_themselves_are_compared(run: Run, write: Write) -> None:
    write("ref.parquet", item_id=np.arange(1000))
    write("cur.parquet", item_id=np.arange(400))

    found = run(timestamp=None, reference={"path": "ref.parquet"}, current={"path": "cur.parquet"})

    assert (found.statistic, found.effect_size, found.p_value) == (0.4, 0.6, None)
    assert found.detected  # the effect alone decides


def test_a_reference_of_a_few_periods_says_nothing(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", [5, 100, 100, 100])
    rows("cur.parquet", [100], first=4)

    with pytest.raises(StatisticError, match="covers 3 whole periods of 1d, of which 5 are needed"):
        run()


STRAY = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def rows_and(write: Write, days: Days) -> Callable[..., Path]:
    """Write `COUNTS`, evenly through the days, and one row with another time."""

    def write_rows(name: str, stray: datetime) -> Path:
        times = days([day + (k + 1) / n for day, n in enumerate(COUNTS) for k in range(n)])
        return write(name, t=pa.concat_arrays([times, pa.array([stray], times.type)]))

    return write_rows


@pytest.mark.parametrize("stray", [STRAY, datetime(1, 1, 1, tzinfo=UTC)])
def test_a_stray_record_of_old_is_no_drift(
    run: Run, rows: Callable[..., Path], rows_and: Callable[..., Path], stray: datetime
) -> None:
    rows_and("ref.parquet", stray)
    rows("cur.parquet", [102, 102], first=10)

    with pytest.raises(StatisticError) as raised:
        run(reference={"path": "ref.parquet"})

    assert f"its oldest t is {stray.isoformat()}: give reference.window, or leave out rows" in str(
        raised.value
    )
    assert "period" not in str(raised.value)
    found = run(reference={"path": "ref.parquet", "window": "10d"})  # as the message says
    assert found.statistic == pytest.approx(1.0, abs=1e-12)


def test_a_stray_record_of_old_in_the_current_side(
    run: Run, rows: Callable[..., Path], rows_and: Callable[..., Path]
) -> None:
    rows("ref.parquet", COUNTS)
    rows_and("cur.parquet", STRAY)

    with pytest.raises(
        StatisticError, match=r"current: holds no rows for 99.9% of its time.* current.window"
    ):
        run(current={"path": "cur.parquet"})


@pytest.mark.parametrize("window", [{}, {"window": "10d"}], ids=["whole", "window"])
def test_a_reference_that_reaches_into_the_future(
    run: Run, rows: Callable[..., Path], rows_and: Callable[..., Path], window: dict[str, str]
) -> None:
    rows_and("ref.parquet", datetime(2999, 1, 1, tzinfo=UTC))
    rows("cur.parquet", [102, 102], first=10)

    with pytest.raises(StatisticError) as raised:
        run(reference={"path": "ref.parquet", **window})

    assert str(raised.value) == (
        "reference: its newest t is 2999-01-01T00:00:00+00:00, which is to come: correct such rows, or leave "
        "them out by a query"
    )


@pytest.mark.parametrize("window", [{}, {"window": "2d"}], ids=["whole", "window"])
def test_a_current_side_that_reaches_into_the_future(
    run: Run, rows: Callable[..., Path], rows_and: Callable[..., Path], window: dict[str, str]
) -> None:
    rows("ref.parquet", COUNTS)
    rows_and("cur.parquet", NOW + timedelta(days=2))

    with pytest.raises(
        StatisticError, match=r"current: its newest t is .* set current.window and follow: clock"
    ):
        run(current={"path": "cur.parquet", **window})

    follows = {"path": "cur.parquet", "window": "4d", "follow": "clock"}
    assert run(current=follows).n_current == COUNTS[8] + COUNTS[9]


def test_times_of_another_zone_are_no_future(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", COUNTS)
    rows("cur.parquet", [102, 102], first=10.5)  # to 12 hours from now

    found = run(current={"path": "cur.parquet", "window": "2d"})

    assert found.statistic == pytest.approx(1.0, abs=1e-12)


def test_a_batch_a_week_is_no_gap(run: Run, rows: Callable[..., Path]) -> None:
    rows("ref.parquet", [100, 0, 0, 0, 0, 0, 0] * 4 + [100], first=-20)
    rows("cur.parquet", [100], first=8)

    found = run(reference={"path": "ref.parquet"}, current={"path": "cur.parquet", "window": "7d"})

    assert not found.detected


def test_periods_too_short_to_be_counted(run: Run, rows: Callable[..., Path], write: Write) -> None:
    rows("cur.parquet", [100])
    write("ref.parquet", t=pa.array([START, STRAY], pa.timestamp("us", tz="UTC")))

    with pytest.raises(StatisticError, match=r"1000000 periods of 1s back: .*, or take a longer period"):
        run(reference={"path": "ref.parquet"}, period="1s")
    with pytest.raises(StatisticError, match=r"a shorter reference.window, or take a longer period"):
        run(reference={"path": "ref.parquet", "window": "20000d"}, period="1s")


def test_just_after_a_promotion_there_is_nothing_to_say(
    run: Run, rows: Callable[..., Path], promote: Callable[..., Path], days: Days
) -> None:
    times = [day + (k + 1) / n for day, n in enumerate(COUNTS) for k in range(n)]
    folder = promote("als", reference={"t": days(times)})
    rows("cur.parquet", COUNTS)

    found = run(
        reference={"artifact": str(folder), "file": "reference.parquet", "window": "10d"},
        current={"path": "cur.parquet", "window": "2d"},
    )

    assert found.statistic is None
    assert not found.detected
    assert not found.enough_rows


def test_a_usual_sunday_is_held_against_sundays(run: Run, rows: Callable[..., Path]) -> None:
    week = [100, 104, 98, 103, 99, 30, 101]
    rows("ref.parquet", week * 3, first=-15)
    rows("cur.parquet", [31], first=11)

    found = run(
        reference={"path": "ref.parquet", "window": "21d"},
        current={"path": "cur.parquet", "window": "1d", "follow": "clock"},
    )

    assert found.details["season"] == "7d"
    assert found.statistic == pytest.approx(31 / 30, abs=1e-9)
    assert found.p_value is not None
    assert found.p_value > 0.3


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"season": "36h"}, "season is no whole multiple of period"),
        ({"season": "6d"}, "reference.window holds fewer than 2 seasons"),
    ],
)
def test_seasons_that_cannot_be(run: Run, keys: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(**keys)
