"""Connections to the database of record: SQLite in a file, or PostgreSQL by URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from recwatch.errors import StoreError
from recwatch.redaction import mask_passwords

__all__ = ["as_store_error", "create_store_engine"]


def create_store_engine(url: str, *, timeout: float = 5.0) -> sa.Engine:
    """An engine as every store of recwatch uses it: SQLite in WAL mode with foreign keys on, its folder made.

    Args:
        url: of the database.
        timeout: seconds to wait for a locked database.

    Raises:
        StoreError: when the URL cannot be used.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, pool_pre_ping=True)
        _make_folder(parsed.database)
        engine = sa.create_engine(parsed, connect_args={"timeout": timeout})
    except (sa.exc.ArgumentError, ImportError, OSError) as error:
        raise StoreError(
            mask_passwords(f"{url!r} cannot be used: {error}; write one such as sqlite:///data/store.db")
        ) from error
    except ValueError:  # a port that is no number, as SQLAlchemy sees it; its message may show the password
        raise StoreError(
            mask_passwords(
                f"{url!r} cannot be used: its port is no number; write @ / : in a password as %40 %2F %3A"
            )
        ) from None
    sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _make_folder(database: str | None) -> None:
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # Before WAL, which makes the file: INCREMENTAL lets retention give space back (`Retention`).
    # WAL: a reader never waits for the writer. NORMAL: after a power cut the last transaction may be missing,
    # the file is never damaged (https://www.sqlite.org/pragma.html#pragma_synchronous).
    for pragma in (
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def as_store_error(url: sa.URL) -> Iterator[None]:
    """Raise what the database says as a `StoreError` that says what to do."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        if "is full" in str(cause) or "No space left" in str(cause):
            message = f"{url!r}: {cause}: make room on its disk"
            raise StoreError(mask_passwords(message), reason="full") from error
        if "locked" in str(cause):
            message = f"{url!r} is locked by another process: end it, or allow a longer timeout"
            raise StoreError(message, reason="locked") from error
        message = f"{url!r}: {cause}: see that the database is there and can be written"
        raise StoreError(mask_passwords(message)) from error
