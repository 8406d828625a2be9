import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.queries import called_names, only_select


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
    assert only_select(f" ; ;{query}", "duckdb") == query


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("SELECT * FROM read_text('/etc/passwd')", "read_text"),
        ("SELECT * FROM read_blob ('/run/secrets/*')", "read_blob"),
        ("SELECT GETENV('PGPASSWORD')", "getenv"),
        ("SELECT * FROM query('SELECT 1')", "query"),
        ("SELECT * FROM duckdb_secrets()", "duckdb_secrets"),
        ("SELECT load_extension('x.so')", "load_extension"),
        ("SELECT writefile('a', 'b')", "writefile"),
        ('SELECT "readfile"(x) FROM t', "readfile"),
        ("SELECT a, nextval('s') FROM t", "nextval"),
        ("SELECT * FROM dblink('x', 'DELETE FROM y') AS t(a int)", "dblink"),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "sqlite"])
def test_functions_that_reach_further_are_refused(query: str, name: str, dialect: str) -> None:
    with pytest.raises(SourceError, match=rf"^query calls {name}, which does more than read rows"):
        only_select(query, dialect)


def test_names_and_texts_are_no_calls() -> None:
    query = "SELECT 'getenv(1)' AS \"edit (x)\", t.query FROM t WHERE read_text IN (1)"

    assert only_select(query, "duckdb") == query


def test_what_a_query_calls() -> None:
    called, dotted = called_names('SELECT Lower(a), s."F" (1), t.b FROM t WHERE c IN (1)', "postgres")

    assert {"lower", "F", "in"} <= called
    assert dotted == {"b"}
    with pytest.raises(SourceError, match=r"^query writes a name as U&"):
        called_names('SELECT U&"set\\005fconfig"(1)', "postgres")


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


def test_messages_hold_no_codes_of_a_terminal() -> None:
    with pytest.raises(SourceError) as caught:
        only_select("SELEC score FROM scores", "duckdb")
    assert "\x1b" not in str(caught.value)
