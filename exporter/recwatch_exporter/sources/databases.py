"""Which engine a database's URL asks for."""

from collections.abc import Callable
from pathlib import Path

import ibis

from recwatch.redaction import mask_passwords, mask_secrets
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.duck import DuckEngine, Settings, first_line
from recwatch_exporter.sources.engine import Database
from recwatch_exporter.sources.ibis_engine import IbisEngine
from recwatch_exporter.sources.urls import check_url, no_driver, scheme_of, unquoted_secret


def open_database(url: str, *, root: Path, deadline: Deadline, settings: Settings | None = None) -> Database:
    """Connect to a database, for reading.

    Args:
        url: `sqlite:///file`, `duckdb:///file`, `postgresql://...`, `pyspark://...`, or any that
            `ibis.connect` takes.
        root: the folder that files are relative to.
        deadline: ends its queries.
        settings: DuckDB's own.

    Raises:
        SourceError: when there is no such database, or its driver is not installed.
    """
    deadline.check()
    try:
        check_url(url)
    except ValueError as error:
        raise SourceError(str(error)) from error
    scheme = scheme_of(url)
    try:
        return _OPENERS.get(scheme, _other)(url, root, deadline, settings)
    except SourceError:
        raise
    except ImportError as error:
        raise SourceError(no_driver(scheme)) from error
    except Exception as error:
        deadline.check()
        raise SourceError(_refused(url, first_line(error))) from error


def _refused(url: str, message: str) -> str:
    """Why a database cannot be opened, without what is secret in its URL."""
    said = f"{mask_passwords(url)} cannot be opened: {mask_secrets(message, url)}"
    if unquoted_secret(url):
        said += ": quote the password as a URL asks (% is %25, / is %2F, ? is %3F, # is %23, @ is %40)"
    return said


def _file(url: str, root: Path) -> Path:
    return root / url.partition(":///")[2]


def _sqlite(url: str, root: Path, deadline: Deadline, settings: Settings | None) -> Database:  # noqa: ARG001
    from recwatch_exporter.sources.sqlite import SqliteEngine  # noqa: PLC0415 - Ibis loads each backend slowly

    return SqliteEngine(_file(url, root), deadline)


def _duckdb(url: str, root: Path, deadline: Deadline, settings: Settings | None) -> Database:
    path = _file(url, root)
    if not path.is_file():
        raise SourceError(f"{path} does not exist: write it first, or correct database")
    return DuckEngine(deadline, settings, database=path)


def _postgres(url: str, root: Path, deadline: Deadline, settings: Settings | None) -> Database:  # noqa: ARG001
    from recwatch_exporter.sources.postgres import PostgresEngine  # noqa: PLC0415 - psycopg is an extra

    return PostgresEngine(f"postgresql:{url.partition(':')[2]}", deadline)


def _spark(url: str, root: Path, deadline: Deadline, settings: Settings | None) -> Database:  # noqa: ARG001
    from recwatch_exporter.sources.spark import SparkEngine  # noqa: PLC0415 - Spark is not installed everywhere

    return SparkEngine(url, deadline)


def _other(url: str, root: Path, deadline: Deadline, settings: Settings | None) -> Database:  # noqa: ARG001
    return IbisEngine(ibis.connect(url), deadline)


_OPENERS: dict[str, Callable[[str, Path, Deadline, Settings | None], Database]] = {
    "sqlite": _sqlite,
    "duckdb": _duckdb,
    "postgresql": _postgres,
    "postgres": _postgres,
    "pyspark": _spark,
    "spark": _spark,
}
