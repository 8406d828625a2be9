import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from recwatch_exporter.data import ColumnFacts
from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.sqlite import microseconds
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window


@pytest.fixture
def file(tmp_path: Path, events: pd.DataFrame) -> Path:
    path = tmp_path / "my data?.db"
    with closing(sqlite3.connect(path)) as connection:
        events.to_sql("events", connection, index=False, dtype={"timestamp": "TIMESTAMP", "paid": "BOOLEAN"})
    return path


@pytest.fixture
def over(opened: Connections, tmp_path: Path) -> Callable[..., Window]:
    def make(query: str, *, engines: Connections | None = None) -> Window:
        found = engines or opened
        engine = found.database("sqlite:///my data?.db", tmp_path)
        return Window("current", View("current", "query", engine, engine.query(query)), found.local)

    return make


def test_the_same_figures_as_duckdb(
    file: Path,
    opened: Connections,
    same_as_duckdb: Callable[[Window], None],
) -> None:
    engine = opened.database(f"sqlite:///{file}", Path())
    view = View("current", "events", engine, engine.table("events"))

    same_as_duckdb(Window("current", view, opened.local))


@pytest.mark.usefixtures("file")
def test_the_same_figures_of_a_query(
    over: Callable[..., Window],
    same_as_duckdb: Callable[[Window], None],
) -> None:
    same_as_duckdb(over("SELECT * FROM events WHERE 1 = 1; -- all of them"))


def test_what_is_written_is_refused(file: Path, over: Callable[..., Window], opened: Connections) -> None:
    with pytest.raises(SourceError, match=r"^query holds 2 statements: write one SELECT$"):
        over("SELECT 1 AS one; DELETE FROM events")
    engine = opened.database(f"sqlite:///{file}", Path())
    with pytest.raises(sqlite3.OperationalError, match=r"^attempt to write a readonly database$"):
        engine.backend.con.execute("DELETE FROM events")  # type: ignore[attr-defined]


@pytest.mark.usefixtures("file")
def test_a_column_of_numbers_may_hold_texts(over: Callable[..., Window]) -> None:
    rows = over("SELECT 1.5 AS x UNION ALL SELECT 'abc' UNION ALL SELECT NULL UNION ALL SELECT 9e999")

    assert rows.moments("x").n == 1
    assert rows.facts(["x"]).columns["x"] == ColumnFacts(missing=1, non_finite=2, minimum=1.5, maximum=1.5)


def test_no_file_is_made(opened: Connections, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"/none\.db does not exist: write it first, or correct database$"):
        opened.database("sqlite:///none.db", tmp_path)
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_none_and_a_table_that_is_not_there(
    opened: Connections, file: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + bytes(range(200)))
    with pytest.raises(SourceError, match=r"^sqlite:///broken.db cannot be opened: file is not a database$"):
        opened.database("sqlite:///broken.db", tmp_path)
    with pytest.raises(SourceError, match=r"^cannot be read: nothing$"):
        opened.database(f"sqlite:///{file}", tmp_path).table("nothing")


@pytest.mark.usefixtures("file")
def test_a_query_that_takes_too_long_is_interrupted(over: Callable[..., Window]) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"

    with connections(Deadline(timedelta(milliseconds=500))) as engines:
        rows = over(endless, engines=engines)
        with pytest.raises(CheckTimeoutError):
            rows.rows()


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2003-05-01 00:00:00", datetime(2003, 5, 1, tzinfo=UTC)),
        ("2003-05-01T02:00:00.000001+02:00", datetime(2003, 5, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("2003-05-01", datetime(2003, 5, 1, tzinfo=UTC)),
        (1051747200, datetime(2003, 5, 1, tzinfo=UTC)),
        (-0.5, datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)),
        ("never", None),
        (None, None),
    ],
)
def test_times_as_sqlite_keeps_them(value: str | float | None, moment: datetime | None) -> None:
    found = microseconds(value)

    assert (
        None if found is None else datetime.fromtimestamp(0, UTC) + timedelta(microseconds=found)
    ) == moment
