import sqlite3
import subprocess
import sys
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
    with pytest.raises(SourceError, match=r"^there is no table nothing: there are events$"):
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


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """A file with a log of writes, and no writer."""
    path = tmp_path / "folder" / "store.db"
    path.parent.mkdir()
    write_logged(path).close()
    return path


def write_logged(path: Path) -> sqlite3.Connection:
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = wal")
    writer.execute("CREATE TABLE IF NOT EXISTS scores (score REAL)")
    writer.execute("INSERT INTO scores VALUES (1.5), (2.5)")
    writer.commit()
    return writer


def names(path: Path) -> list[str]:
    return sorted(item.name for item in path.parent.iterdir())


def test_nothing_is_left_beside_a_file_at_rest(opened: Connections, logged: Path) -> None:
    engine = opened.database(f"sqlite:///{logged}", Path())

    assert engine.fetch(engine.table("scores")).num_rows == 2
    assert names(logged) == ["store.db"]
    opened.close()
    assert names(logged) == ["store.db"]


def test_a_folder_that_cannot_be_written(as_another_user: list[str], logged: Path) -> None:
    logged.parent.chmod(0o500)
    script = (
        "import sys; from pathlib import Path; from datetime import timedelta\n"
        "from recwatch_exporter.process.deadline import Deadline\n"
        "from recwatch_exporter.sources.connections import connections\n"
        "with connections(Deadline(timedelta(minutes=1))) as opened:\n"
        "    engine = opened.database('sqlite:///' + sys.argv[1], Path())\n"
        "    print(engine.fetch(engine.table('scores')).num_rows)"
    )

    command = [*as_another_user, sys.executable, "-c", script, str(logged)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    logged.parent.chmod(0o700)

    assert said.stdout.strip() == "2", said.stderr


def test_a_writer_that_lives_is_read_with_what_it_wrote_last(opened: Connections, logged: Path) -> None:
    with closing(write_logged(logged)):
        engine = opened.database(f"sqlite:///{logged}", Path())
        assert engine.fetch(engine.table("scores")).num_rows == 4


def test_a_file_at_rest_that_is_written_while_it_is_read(opened: Connections, logged: Path) -> None:
    engine = opened.database(f"sqlite:///{logged}", Path())
    scores = engine.table("scores")
    with closing(write_logged(logged)):
        pass  # its end moves the log into the file

    with pytest.raises(SourceError, match=r"store\.db was written while it was read: run the check again$"):
        engine.fetch(scores)


def test_writes_that_no_index_leads_to(opened: Connections, logged: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(write_logged(logged)):
        copy.write_bytes(logged.read_bytes())
        copy.with_name("copy.db-wal").write_bytes(logged.with_name("store.db-wal").read_bytes())

    with pytest.raises(
        SourceError, match=r"copy\.db-wal holds writes .* and copy\.db-shm is not there: copy"
    ):
        opened.database(f"sqlite:///{copy}", Path())


def test_a_table_that_is_not_there_is_told_which_are(opened: Connections, logged: Path) -> None:
    with pytest.raises(SourceError, match=r"^there is no table score: there are scores$"):
        opened.database(f"sqlite:///{logged}", Path()).table("score")
