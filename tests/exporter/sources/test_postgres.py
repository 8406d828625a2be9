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


def test_a_server_that_is_not_there_shows_no_password(opened: Connections) -> None:
    url = "postgresql://someone:s3cret@127.0.0.1:1/nothing"

    with pytest.raises(SourceError, match=r"^postgresql://someone:\*\*\*@127") as caught:
        opened.database(url, Path())

    assert "s3cret" not in str(caught.value)
    assert "refused" in str(caught.value)


def test_a_table_that_is_not_there(opened: Connections, database: str) -> None:
    with pytest.raises(SourceError, match=r"^cannot be read: nothing$"):
        opened.database(database, Path()).table("nothing")


def test_a_query_that_takes_too_long_is_interrupted(over: Callable[..., Window]) -> None:
    with connections(Deadline(timedelta(seconds=1))) as engines:
        rows = over("SELECT pg_sleep(100) IS NULL AS slept", engines=engines)
        with pytest.raises(CheckTimeoutError):
            rows.rows()
