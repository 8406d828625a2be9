import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.queries import only_select


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
        "SELECT 1 UNION ALL SELECT 2",
        "-- what it is for\nSELECT ';' AS semicolon",
        "SELECT * FROM 'data/*.parquet'",
    ],
)
def test_one_select(query: str) -> None:
    assert only_select(f"  {query} ; ", "duckdb") == query
    assert only_select(f"{query}; -- and no more", "duckdb") == query


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE x",
        "INSERT INTO x VALUES (1)",
        "UPDATE x SET y = 1",
        "COPY x TO 'y.csv'",
        "ATTACH 'x.db'",
        "PRAGMA journal_mode = delete",
        "SET memory_limit = '1GB'",
        "INSTALL httpfs",
        "WITH a AS (DELETE FROM x RETURNING *) SELECT * FROM a",
        "SELECT * INTO y FROM x",
        "SELECT * FROM x FOR UPDATE",
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "sqlite"])
def test_everything_else_is_refused(query: str, dialect: str) -> None:
    with pytest.raises(
        SourceError, match=r"^query (does something else than read: write one SELECT|cannot be)"
    ):
        only_select(query, dialect)


@pytest.mark.parametrize(
    ("query", "count"), [("", 0), (";", 0), ("SELECT 1; SELECT 2", 2), ("SELECT 1; DROP TABLE x", 2)]
)
def test_one_statement(query: str, count: int) -> None:
    with pytest.raises(SourceError, match=rf"^query holds {count} statements: write one SELECT$"):
        only_select(query, "duckdb")


def test_what_is_no_sql() -> None:
    with pytest.raises(SourceError, match=r"^query cannot be understood: .*Line 1"):
        only_select("SELECT (", "duckdb")
