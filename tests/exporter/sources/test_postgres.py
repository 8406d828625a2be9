from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from recwatch_exporter.data import ColumnFacts
from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window


@pytest.fixture
def database(postgresql_url: str, events: pd.DataFrame) -> str:
    engine = sa.create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA logs"))
    events.to_sql("events", engine, schema="logs", index=False)
    engine.dispose()
    return postgresql_url


@pytest.fixture
def over(opened: Connections, database: str) -> Callable[..., Window]:
    def make(query: str, *, engines: Connections | None = None) -> Window:
        found = engines or opened
        engine = found.database(database, Path())
        return Window("current", View("current", "query", engine, engine.query(query)), found.local)

    return make


def test_the_same_figures_as_duckdb(
    over: Callable[..., Window],
    opened: Connections,
    database: str,
    same_as_duckdb: Callable[[Window], None],
) -> None:
    engine = opened.database(database, Path())
    view = View("current", "events", engine, engine.table("logs.events"))

    same_as_duckdb(Window("current", view, opened.local))
    same_as_duckdb(over("SELECT * FROM logs.events; -- all of them"))


def test_numeric_arrays_and_zones(over: Callable[..., Window]) -> None:
    rows = over(
        "SELECT 1.25::numeric(9, 3) AS price, ARRAY[1, 2]::real[] AS vector, 7::bigint AS item,"
        " '2003-05-01 02:00:00+02'::timestamptz AS at"
        " UNION ALL SELECT 'NaN', ARRAY[3, 4], 8, NULL"
    )

    assert rows.facts(["price"]).columns["price"] == ColumnFacts(0, 1, 1.25, 1.25)
    assert rows.newest("at") == pd.Timestamp("2003-05-01", tz="UTC")
    assert rows.count_vectors("vector", "item") == 2
    (pairs,) = rows.pairs(rows, "vector", "item")
    assert pairs.reference.dtype == np.float32
    assert pairs.reference[np.argsort(pairs.ids)].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert rows.numbers(["vector"], None).dimensions == 2


def test_nothing_can_be_written(over: Callable[..., Window], opened: Connections, database: str) -> None:
    with pytest.raises(SourceError, match=r"^query does something else than read: write one SELECT$"):
        over("WITH gone AS (DELETE FROM logs.events RETURNING *) SELECT * FROM gone")
    engine: Any = opened.database(database, Path())
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        engine.backend.con.execute("DELETE FROM logs.events")


@pytest.fixture
def wiping(database: str) -> str:
    """A database with functions that empty a table; `quietly` says that it changes nothing."""
    with psycopg.connect(plain(database)) as connection:
        for name in ("wipe", "quietly"):
            body = "$$ BEGIN EXECUTE 'DELETE FROM logs.events'; RETURN 1; END $$"
            connection.execute(f"CREATE FUNCTION {name}() RETURNS bigint LANGUAGE plpgsql AS {body}")
        # The mark alone: the body runs as before, which a function that is created STABLE would not.
        connection.execute("UPDATE pg_proc SET provolatile = 's' WHERE proname = 'quietly'")
        connection.execute("CREATE FUNCTION gone(logs.events) RETURNS bigint LANGUAGE sql AS 'SELECT wipe()'")
    return database


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def count_events(url: str) -> int:
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute("SELECT count(*) FROM logs.events").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("SELECT set_config('default_transaction_read_only', 'off', false)", "set_config"),
        ("SELECT pg_catalog . \"set_config\" /* so */ ('a.b', 'c', false)", "set_config"),
        ("SELECT lo_import('/etc/hostname')", "lo_import"),
        ("SELECT pg_read_file('/etc/hostname')", "pg_read_file"),
        ("SELECT pg_terminate_backend(1)", "pg_terminate_backend"),
        ("SELECT * FROM query_to_xml('DELETE FROM logs.events', true, true, '')", "query_to_xml"),
        ("SELECT pg_notify('a', 'b')", "pg_notify"),
        ("SELECT pg_advisory_lock(1)", "pg_advisory_lock"),
        ("SELECT WIPE() FROM logs.events", "wipe"),
        ("SELECT e.gone FROM logs.events AS e", "gone"),
    ],
)
@pytest.mark.usefixtures("wiping")
def test_functions_that_change_something_are_refused(
    over: Callable[..., Window], query: str, name: str
) -> None:
    with pytest.raises(SourceError, match=rf"^query calls {name}, which "):
        over(query)


def test_a_function_that_lies_about_what_it_does_writes_nothing(
    over: Callable[..., Window], wiping: str
) -> None:
    before = count_events(wiping)

    with pytest.raises(SourceError, match=r"not allowed in a non-volatile function|read-only"):
        over("SELECT quietly() AS one").count_values("one", None, numeric=True)

    assert count_events(wiping) == before > 0


def test_no_setting_of_a_query_outlives_it(opened: Connections, wiping: str) -> None:
    engine: Any = opened.database(wiping, Path())
    switch = "SELECT set_config('default_transaction_read_only', 'off', false)"

    with engine._reading() as cursor:
        cursor.execute(switch)
        cursor.execute("SELECT set_config('statement_timeout', '0', false)")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction, match="must be set before any query"):
            cursor.execute("SELECT set_config('transaction_read_only', 'off', false)")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            cursor.execute("SELECT 1")

    with engine._reading() as cursor:
        found = cursor.execute("SHOW default_transaction_read_only").fetchone()
        assert found == ("on",)
        assert cursor.execute("SHOW statement_timeout").fetchone() != ("0",)
    assert count_events(wiping) > 0


def test_harmless_functions_are_taken(over: Callable[..., Window]) -> None:
    rows = over(
        "SELECT random() AS x, now() AS at, coalesce(lower('A'), 'b') AS t FROM generate_series(1, 5)"
    )

    assert rows.rows() == 5


def test_the_server_ends_what_nobody_waits_for(database: str) -> None:
    with connections(Deadline(timedelta(seconds=30))) as engines:
        engine: Any = engines.database(database, Path())
        with engine._reading() as cursor:
            (milliseconds,) = cursor.execute(
                "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
            ).fetchone()
            assert 20_000 < milliseconds <= 32_000
            found = cursor.execute("SHOW client_connection_check_interval").fetchone()
            assert found == ("5s",)


def test_the_options_of_the_url_hold(opened: Connections, database: str) -> None:
    url = f"{database}?options=-csearch_path%3Dlogs%20-cstatement_timeout%3D9s&application_name=mine"
    engine: Any = opened.database(url, Path())

    assert "score" in engine.table("events").columns or engine.query("SELECT * FROM events")
    with engine._reading() as cursor:
        assert cursor.execute("SHOW search_path").fetchone() == ("logs",)
        assert cursor.execute("SHOW statement_timeout").fetchone() == ("9s",)
        assert cursor.execute("SHOW application_name").fetchone() == ("mine",)


def test_a_server_that_is_not_there_shows_no_password(opened: Connections) -> None:
    url = "postgresql://someone:s3cret@127.0.0.1:1/nothing"

    with pytest.raises(SourceError, match=r"^postgresql://someone:\*\*\*@127") as caught:
        opened.database(url, Path())

    assert "s3cret" not in str(caught.value)
    assert "refused" in str(caught.value)


def test_a_table_that_is_not_there(opened: Connections, database: str) -> None:
    engine = opened.database(database, Path())
    with pytest.raises(SourceError, match=r"^there is no table nothing, nor any other: correct table or"):
        engine.table("nothing")
    with pytest.raises(SourceError, match=r"^there is no table logs\.event: there are logs\.events$"):
        engine.table("logs.event")


def test_a_query_that_takes_too_long_is_interrupted(over: Callable[..., Window]) -> None:
    with connections(Deadline(timedelta(seconds=1))) as engines:
        rows = over("SELECT pg_sleep(100) IS NULL AS slept", engines=engines)
        with pytest.raises(CheckTimeoutError):
            rows.rows()
