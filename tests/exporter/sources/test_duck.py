from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections
from recwatch_exporter.sources.duck import DuckEngine, first_line
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.spans import Span
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window

Unit = Literal["s", "ms", "us", "ns"]
CUT_OFF = ": it is cut off or still being written: write it anew, under .name until it is whole"


@pytest.fixture
def file(tmp_path: Path, events: pd.DataFrame) -> Path:
    path = tmp_path / "data.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.register("frame", events)
        connection.execute("CREATE SCHEMA logs")
        connection.execute("CREATE TABLE logs.events AS SELECT * FROM frame")
    return path


def test_the_same_figures_of_a_table_and_a_query(
    file: Path,
    opened: Connections,
    same_as_duckdb: Callable[[Window], None],
) -> None:
    engine = opened.database(f"duckdb:///{file.name}", file.parent)

    for rows in (engine.table("logs.events"), engine.query("FROM logs.events;")):
        same_as_duckdb(Window("current", View("current", "events", engine, rows), opened.local))


def test_a_database_is_opened_for_reading(file: Path, opened: Connections) -> None:
    engine: Any = opened.database(f"duckdb:///{file}", Path())

    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        engine._connection.execute("DELETE FROM logs.events")
    with pytest.raises(SourceError, match=r"^cannot be read: Catalog Error: .*nothing"):
        engine.table("nothing")
    with pytest.raises(
        SourceError, match=r"/none\.duckdb does not exist: write it first, or correct database$"
    ):
        opened.database("duckdb:///none.duckdb", file.parent)


def test_files_of_a_query_are_relative_to_a_folder(tmp_path: Path, deadline: Deadline) -> None:
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    with closing(DuckEngine(deadline)) as engine:
        engine.search(tmp_path)

        rows = engine.query("SELECT x FROM 'a.parquet' WHERE x > 1")

        assert engine.fetch(rows).column("x").to_pylist() == [2.0]


def test_a_variable_of_ours_is_no_table(deadline: Deadline) -> None:
    frame = pd.DataFrame({"x": [1.0]})

    with closing(DuckEngine(deadline)) as engine, pytest.raises(SourceError, match="frame does not exist"):
        engine.query("SELECT * FROM frame")

    assert len(frame) == 1


def test_nothing_is_downloaded(deadline: Deadline) -> None:
    with (
        closing(DuckEngine(deadline)) as engine,
        pytest.raises(SourceError, match=r"^cannot be read: .*[Ee]xtension"),
    ):
        engine.query("SELECT * FROM 'https://example.org/a.parquet'")


def test_memory_and_its_overflow_are_set(deadline: Deadline, tmp_path: Path) -> None:
    settings = {"memory_limit": "100MB", "temp_directory": str(tmp_path / "spill")}

    with closing(DuckEngine(deadline, settings)) as engine:
        rows = engine.query(
            "SELECT hash(i) AS x, 1 AS n FROM range(12_000_000) AS r(i) ORDER BY x LIMIT 11_000_000"
        )
        assert engine.fetch(rows.aggregate(n=rows.n.sum().cast("int64"))).to_pylist() == [{"n": 11_000_000}]


def test_too_little_memory_is_said(deadline: Deadline) -> None:
    settings = {"memory_limit": "10MB", "temp_directory": ""}

    with closing(DuckEngine(deadline, settings)) as engine:
        rows = engine.query("SELECT hash(i) AS x FROM range(3_000_000) AS r(i) ORDER BY x")
        with pytest.raises(SourceError, match=r"^cannot be read: Out of Memory Error"):
            engine.fetch(rows)


def test_overflow_that_cannot_be_written_is_said(deadline: Deadline, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = {"memory_limit": "30MB", "temp_directory": str(tmp_path / "file" / "overflow")}

    with closing(DuckEngine(deadline, settings)) as engine:
        rows = engine.query("SELECT hash(i) AS x FROM range(9_000_000) AS r(i) ORDER BY x")
        with pytest.raises(SourceError, match=r"^cannot be read: .*(Error|overflow)"):
            engine.fetch(rows)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("\n  one\ntwo", "one"),
        ("", "ValueError"),
        ("score \x1b[4mFROM\x1b[0m scores", "score FROM scores"),
        (
            "too small to be a Parquet file",
            f"too small to be a Parquet file{CUT_OFF}",
        ),
        ("no postgresql://me:secret@host/db", "no postgresql://me:***@host/db"),
    ],
)
def test_errors_are_one_line_without_passwords(message: str, line: str) -> None:
    assert first_line(ValueError(message)) == line


@pytest.mark.parametrize(
    ("name", "last", "message"),
    [
        (
            "a.csv",
            "n/a,1",
            (
                'line 30002 of {file}: Error when converting column "x". Could not convert string "n/a" to '
                "'BIGINT': correct the value or leave it empty, or let every row decide: "
                "read_csv('{file}', sample_size = -1)"
            ),
        ),
        ("a.csv", "1,2,3", "line 30002 of {file}: Expected Number of Columns: 2 Found: 3: correct that line"),
        (
            "a.jsonl",
            '{"x": "n/a"}',
            (
                'Invalid Input Error: JSON transform error in file "{file}", in line 30001: Failed to cast '
                'value to numerical: "n/a": correct the value, or let every row decide: '
                "read_json('{file}', sample_size = -1)"
            ),
        ),
    ],
)
def test_a_row_that_the_first_rows_did_not_announce(
    opened: Connections, tmp_path: Path, name: str, last: str, message: str
) -> None:
    path = tmp_path / name
    head, row = ("x,y\n", "1,2\n") if name == "a.csv" else ("", '{"x": 1}\n')
    path.write_text(f"{head}{row * 30_000}{last}\n", encoding="utf-8")
    rows = opened.local.query(f"FROM '{path}'")

    with pytest.raises(SourceError) as caught:
        opened.local.fetch(rows.aggregate(x=rows.x.max()))

    assert str(caught.value) == f"cannot be read: {message.format(file=path)}"


@pytest.mark.parametrize("frame", [True, False])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_and_zone(
    opened: Connections, tmp_path: Path, unit: Unit, zone: str | None, *, frame: bool
) -> None:
    times = pd.date_range("2026-01-01", periods=3, freq="D", tz=zone).as_unit(unit)
    given = pd.DataFrame({"x": [1.0, 2.0, 3.0], 'an "at"': times})
    path = tmp_path / "a.parquet"
    given.to_parquet(path)

    table = (
        opened.local.register(pa.Table.from_pandas(given)) if frame else opened.local.select(f"FROM '{path}'")
    )
    found = Window("current", View("current", "times", opened.local, table), opened.local)

    newest = times[-1].tz_localize("UTC") if zone is None else times[-1].tz_convert("UTC")
    assert found.columns == {"x": Kind.FLOATING, 'an "at"': Kind.TIME}
    assert found.newest('an "at"') == newest.to_pydatetime()
    late = found.narrow(timestamp='an "at"', span=Span(after=newest.to_pydatetime() - timedelta(hours=1)))
    assert late.rows() == 1


def test_a_type_that_is_not_known_hides_no_other_column(opened: Connections) -> None:
    table = opened.local.select("SELECT 1 AS x, '101'::BIT AS odd")

    found = Window("current", View("current", "types", opened.local, table), opened.local)

    assert found.columns == {"x": Kind.INTEGER, "odd": Kind.OTHER}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("FROM json_execute_serialized_sql('{}')", "json_execute_serialized_sql"),
        ("SELECT * FROM Enable_Logging()", "enable_logging"),
        ("SELECT * FROM arrow_scan(1, 2, 3)", "arrow_scan"),
        ("SELECT * FROM checkpoint()", "checkpoint"),
        ("SELECT * FROM read_text('/etc/hostname')", "read_text"),
    ],
)
def test_table_functions_that_do_more_than_read_rows(deadline: Deadline, query: str, name: str) -> None:
    with (
        closing(DuckEngine(deadline)) as engine,
        pytest.raises(
            SourceError, match=rf"^query calls {name}, which does more than read rows: leave it out$"
        ),
    ):
        engine.query(query)


def test_table_functions_that_read_rows(deadline: Deadline, tmp_path: Path) -> None:
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "a.parquet")
    with closing(DuckEngine(deadline)) as engine:
        engine.search(tmp_path)
        rows = engine.query("SELECT sum(x) AS s FROM Read_Parquet('a.parquet'), range(3), unnest([1, 2])")

        assert engine.fetch(rows).column("s").to_pylist() == [18.0]
