"""What the URL of a database must look like, told before anything is opened."""

import re

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9.-]*)(?:\+[A-Za-z0-9]+)?://")
_FILES = {"sqlite": "sqlite", "duckdb": "duckdb"}
_BY_ENDING = {
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".duckdb": "duckdb",
    ".ddb": "duckdb",
}
_DIALECTS = {
    "duckdb": "duckdb",
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "pyspark": "spark",
    "spark": "spark",
    "trino": "trino",
    "bigquery": "bigquery",
    "mysql": "mysql",
    "snowflake": "snowflake",
    "clickhouse": "clickhouse",
    "mssql": "tsql",
    "databricks": "databricks",
}
_UNQUOTED = re.compile(r"//[^/?#@\s]*:[^@\s]*[/?#][^@\s]*@|//[^@\s]*%(?![0-9A-Fa-f]{2})[^@\s]*@")


def scheme_of(url: str) -> str:
    """The engine that a URL asks for, in small letters; empty where it is no URL."""
    found = _SCHEME.match(url)
    return "" if found is None else found["scheme"].lower()


def dialect_of(url: str | None) -> str | None:
    """The dialect of SQL, as sqlglot knows it, None where that is not known; files are read by DuckDB."""
    return "duckdb" if url is None else _DIALECTS.get(scheme_of(url))


def check_url(url: str) -> None:
    """Refuse what names no database.

    Raises:
        ValueError: when it has no scheme, or names no file where one is meant; a secret is not repeated.
    """
    scheme = scheme_of(url)
    if not scheme or scheme == "file":
        name = url.partition("://")[2] if scheme else url
        kind = next(
            (
                kind
                for ending, kind in _BY_ENDING.items()
                if name.lower().endswith(ending) and "@" not in name
            ),
            None,
        )
        advice = "such as sqlite:///data/recwatch.db" if kind is None else f"{kind}:///{name.lstrip('/')}"
        raise ValueError(f"database must be a URL: write {advice}")
    if scheme in _FILES and not re.match(r"[^:]+:///.", url):
        raise ValueError(f"database names no file: write {scheme}:///file, or {scheme}:////absolute/file")


def unquoted_secret(url: str) -> bool:
    """Whether the password holds what must be quoted in a URL: a %, /, ? or # as it is."""
    return _UNQUOTED.search(url) is not None
