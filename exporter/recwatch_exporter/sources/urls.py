"""What the URL of a database must look like, told before anything is opened."""

import re
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import find_spec

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
_DRIVERS = {
    "bigquery": "google.cloud.bigquery",
    "clickhouse": "clickhouse_connect",
    "databricks": "databricks.sql",
    "mssql": "pyodbc",
    "mysql": "MySQLdb",
    "pyspark": "pyspark",
    "snowflake": "snowflake.connector",
    "spark": "pyspark",
    "trino": "trino",
}
"""Modules without which an engine cannot be used, of those that do not come with the exporter."""
_EXTRAS = {"spark": "pyspark"}
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
        ValueError: when it has no scheme or an unknown one, or names no file where one is meant; a secret is
            not repeated.
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
    if scheme not in _DIALECTS:
        _look_up(scheme)


def check_driver(url: str) -> None:
    """Refuse an engine whose driver is not there; it is looked for and not loaded.

    Raises:
        ValueError: when it is not installed.
    """
    scheme = scheme_of(url)
    if scheme in _DRIVERS and not _is_installed(_DRIVERS[scheme]):
        raise ValueError(no_driver(scheme))


def no_driver(scheme: str) -> str:
    """That an engine's driver is missing, and where it is had from."""
    extra = _EXTRAS.get(scheme, scheme)
    return (
        f"{scheme} cannot be used: its driver is not installed: install ibis-framework[{extra}] "
        "beside the exporter"
    )


def _look_up(scheme: str) -> None:
    """Refuse an engine that Ibis does not know; others may have brought it one."""
    known = sorted({*_DIALECTS, *(entry.name for entry in entry_points(group="ibis.backends"))})
    if scheme not in known:
        near = get_close_matches(scheme, known, n=1)
        todo = f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}"
        raise ValueError(f"database {scheme:.40}:// asks for an engine that is not known: {todo}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is what it lies in
        return False


def unquoted_secret(url: str) -> bool:
    """Whether the password holds what must be quoted in a URL: a %, /, ? or # as it is."""
    return _UNQUOTED.search(url) is not None
