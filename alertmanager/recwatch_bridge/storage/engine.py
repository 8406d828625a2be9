"""Connections to the bridge's database, as durable as a promise to Alertmanager has to be."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from recwatch.errors import StoreError
from recwatch.store.engine import create_store_engine, parse_url
from recwatch_bridge.errors import StoreBusyError
from recwatch_bridge.storage.committing import THREADS

_READERS = 12
"""Connections to PostgreSQL beside those of works: of workers and of pages."""
_SILENT = {"hide_parameters": True}
"""What alerts say is in statements' parameters: it shall not be in errors, which go to the log."""
_LOG_BYTES = 64 * 1024 * 1024
_LOCK_NOT_AVAILABLE = "55P03"
# Seconds after which either side notices that the other's machine is gone, so that its locks are free again.
_KEEPALIVES = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
_TCP_USER_TIMEOUT = 20_000
_SERVER_SIDE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    f"SET tcp_user_timeout = {_TCP_USER_TIMEOUT}"
)


def complete(url: str, password: str | None) -> URL:
    """Return a URL with its password and, where it says `postgresql://` alone, with the driver that we have.

    Raises:
        StoreError: when the URL cannot be used.
    """
    scheme, _, rest = url.partition("://")
    address = parse_url(f"postgresql+psycopg://{rest}" if scheme == "postgresql" else url)
    return address if password is None else address.set(password=password)


def create_sqlite(url: URL, timeout: float) -> Engine:
    """Make an engine of SQLite in WAL mode whose every commit is on the disk.

    Transactions begin as readers; with the execution option `recwatch_write` as writers.

    Args:
        url: of the file; its folder is made, and a new file is its owner's alone.
        timeout: seconds to wait for other processes.

    Raises:
        StoreError: when the URL cannot be used, or the file cannot be made.
    """
    engine = create_store_engine(_text(url), timeout=timeout, pool_timeout=timeout, **_SILENT)
    _make_private(Path(url.database or ""))
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Make an empty file, unless there is one; SQLite gives those beside it the same mode."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreError(f"{file} cannot be made ({error.strerror}): let the bridge write there") from error


def create_postgresql(url: URL, timeout: float) -> Engine:
    """Make an engine of PostgreSQL.

    Args:
        url: of the database.
        timeout: seconds to wait for a connection or for a lock.

    Raises:
        StoreError: when the URL cannot be used, or the driver is missing.
    """
    engine = create_store_engine(
        _watched(url),
        timeout=timeout,
        pool_size=THREADS,
        max_overflow=_READERS,
        pool_timeout=ceil(timeout),
        **_SILENT,
    )
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def create_sessions(url: URL, timeout: float) -> Engine:
    """Make an engine of PostgreSQL whose connections are in no transaction and are never shared.

    Raises:
        StoreError: when the URL cannot be used.
    """
    engine = create_store_engine(
        _watched(url), timeout=timeout, poolclass=NullPool, isolation_level="AUTOCOMMIT", **_SILENT
    )
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


@contextmanager
def as_busy() -> Iterator[None]:
    """Raise what passes by itself, and soon, as a `StoreBusyError`; other errors stay what they are."""
    try:
        yield
    except PoolTimeoutError as error:
        raise StoreBusyError("every connection to the database is in use: try again") from error
    except DBAPIError as error:
        if isinstance(error, InterfaceError) or _is_locked(error):
            raise StoreBusyError(f"the database cannot be used now ({error.orig}): try again") from error
        raise


def _is_locked(error: DBAPIError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorname", "").startswith("SQLITE_BUSY")
    return getattr(cause, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # sqlite3's own implicit transactions begin too late and as readers; `_begin_sqlite` says BEGIN itself.
    connection.isolation_level = None
    # With NORMAL, WAL loses the last commits when the power goes: a 200 to Alertmanager is a promise.
    connection.execute("PRAGMA synchronous = FULL")
    # What a storm makes of the log is given back to the disk.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a writer that began as a reader could fail at its first write without being able to wait.
    write = connection.get_execution_options().get("recwatch_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _set_up_postgresql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SERVER_SIDE)
    connection.commit()


def _watched(url: URL) -> str:
    if not url.get_driver_name().startswith("psycopg"):
        return _text(url)
    wanted = {**_KEEPALIVES, "tcp_user_timeout": str(_TCP_USER_TIMEOUT)}
    return _text(url.update_query_dict({**wanted, **url.query}))


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
