"""Connections to the database of record: SQLite in a file, or PostgreSQL by URL."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from recwatch.errors import StoreError
from recwatch.extras import lacking
from recwatch.redaction import mask_passwords
from recwatch.store.forks import in_database

__all__ = ["create_store_engine", "parse_url", "using_database"]


def parse_url(url: str) -> sa.URL:
    """A database's URL, found usable as far as that can be seen without a connection.

    Raises:
        StoreError: when it cannot be used, or the driver that it names is not installed.
    """
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except sa.exc.ArgumentError as error:
        raise _unusable(url, error) from error
    except ValueError:  # a port that is no number, as SQLAlchemy sees it; its message may show the password
        raise StoreError(
            mask_passwords(
                f"{url!r} cannot be used: its port is no number; write @ / : in a password as %40 %2F %3A"
            )
        ) from None
    if backend == "sqlite":
        _check_file(url, parsed)
    elif backend != "postgresql":
        raise _unusable(url, f"records are kept in SQLite or PostgreSQL, not in {backend}")
    try:
        parsed.get_dialect().import_dbapi()
    except sa.exc.ArgumentError as error:
        raise _unusable(url, error) from error
    except ModuleNotFoundError as error:
        driver = parsed.get_driver_name()
        if driver == "psycopg":
            raise StoreError(
                mask_passwords(f"{url!r} cannot be used: {lacking(error, 'recwatch[postgres]')}")
            ) from error
        raise _unusable(
            url, f"the driver {driver} is not there: postgresql+psycopg needs recwatch[postgres]"
        ) from error
    return parsed


def _check_file(url: str, parsed: sa.URL) -> None:
    if parsed.host is not None:
        path = f"{parsed.host}/{parsed.database or ''}".rstrip("/")
        raise StoreError(f"{url!r} cannot be used: a file has three slashes: write sqlite:///{path}")
    name = parsed.database or ":memory:"
    if ":memory:" in name or parsed.query.get("mode") == "memory":
        raise _unusable(url, "it is in memory, where each connection has a database of its own")


def create_store_engine(url: str, *, timeout: float = 5.0, **options: Any) -> sa.Engine:
    """An engine as every store of recwatch uses it: SQLite in WAL mode with foreign keys on, its folder made.

    Args:
        url: of the database.
        timeout: seconds to wait for a locked database, and on PostgreSQL for a connection: 2 at least.
        options: more for `sqlalchemy.create_engine`, such as the size of the pool.

    Raises:
        StoreError: when the URL cannot be used.
    """
    parsed = parse_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            _make_folder(parsed.database)
            engine = sa.create_engine(parsed, connect_args={"timeout": timeout}, **options)
            sa.event.listen(engine, "connect", _set_up_sqlite)
            return engine
        return _create_postgresql_engine(parsed, timeout, options)
    except (sa.exc.ArgumentError, OSError) as error:
        raise _unusable(url, error) from error


def _unusable(url: str, error: object) -> StoreError:
    good = "sqlite:///data/store.db"
    if url.startswith("postgres"):
        good = "postgresql+psycopg://user@host/database"
    return StoreError(mask_passwords(f"{url!r} cannot be used: {error}; write one such as {good}"))


def _create_postgresql_engine(url: sa.URL, timeout: float, options: Mapping[str, Any]) -> sa.Engine:
    # libpq takes whole seconds, 2 at least; what the URL says goes first.
    wait: dict[str, Any] = {}
    if url.get_driver_name() == "psycopg" and "connect_timeout" not in url.query:
        wait["connect_timeout"] = max(2, ceil(timeout))
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args=wait, **options)

    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {ceil(timeout * 1000)}")
        cursor.close()
        connection.commit()

    sa.event.listen(engine, "connect", set_up)
    return engine


def _make_folder(database: str | None) -> None:
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    if cursor.execute("PRAGMA page_count").fetchone() == (0,):
        # A new file, before WAL writes to it: lets retention give space back to the disk. It takes a lock.
        cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")
    # WAL: a reader never waits for the writer. NORMAL: after a power cut the last transaction may be missing,
    # the file is never damaged (https://www.sqlite.org/pragma.html#pragma_synchronous).
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def using_database(url: sa.URL) -> Iterator[None]:
    """Use a database for the block: what it says is raised as a `StoreError` that says what to do."""
    try:
        with in_database(url):
            yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        text = str(cause)
        if "locked" in text or "lock timeout" in text:
            message = f"{url!r} is locked by another process: end it, or allow a longer timeout"
            raise StoreError(message, reason="locked") from error
        if "is full" in text or "No space left" in text:
            message = f"{url!r}: {text}: make room on its disk"
            raise StoreError(mask_passwords(message), reason="full") from error
        if isinstance(error, (sa.exc.DataError, sa.exc.IntegrityError)):
            message = f"{url!r} refuses a row: {text}: mend what is to be written"
            raise StoreError(mask_passwords(message), reason="refused") from error
        message = f"{url!r}: {text}: see that the database is there and can be written"
        raise StoreError(mask_passwords(message)) from error
