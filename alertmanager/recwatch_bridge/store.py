"""The bridge's database: one writer at a time, durable before an answer is given."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from recwatch.errors import StoreError
from recwatch_bridge import schema
from recwatch_bridge.errors import StoreBusyError


class Store:
    """An SQLite database in WAL mode.

    Writers take turns on a lock of this process (SQLite has one writer anyhow, and waiting on its lock means
    polling); readers never wait. `synchronous=FULL`, because a 200 to Alertmanager is a promise: with NORMAL,
    WAL loses the last commits when the power goes.

    Args:
        url: such as `sqlite:////var/lib/recwatch/bridge.db`; missing folders are made.
        lock_timeout: seconds that a writer waits for its turn, in this process and in SQLite.

    Raises:
        StoreError: when the database cannot be opened, or was made by another version.
    """

    def __init__(self, url: str, *, lock_timeout: float = 5.0) -> None:
        self._lock = threading.Lock()
        self._lock_timeout = lock_timeout
        database = make_url(url).database
        try:
            Path(database or ".").parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(url, connect_args={"timeout": lock_timeout})
            event.listen(self._engine, "connect", _configure)
            event.listen(self._engine, "begin", _begin)
            self._migrate()
        except (DatabaseError, OSError) as error:
            reason = getattr(error, "orig", error)
            raise StoreError(f"{database}: cannot be opened as the bridge's database: {reason}") from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a write transaction; it commits when the block ends without an exception.

        Raises:
            StoreBusyError: when other writers take too long.
        """
        if not self._lock.acquire(timeout=self._lock_timeout):
            raise StoreBusyError("the database is busy: try again")
        try:
            with (
                self._engine.connect().execution_options(recwatch_write=True) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            self._lock.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read transaction: one consistent picture, never waiting for a writer."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _migrate(self) -> None:
        with self.write() as connection:
            schema.schema_version.create(connection, checkfirst=True)
            version = connection.scalar(select(schema.schema_version.c.version))
            if version is None:
                schema.metadata.create_all(connection)
                connection.execute(insert(schema.schema_version).values(version=schema.VERSION))
                return
            if version not in (*schema.MIGRATIONS, schema.VERSION):
                raise StoreError(
                    f"the bridge's tables are of version {version}, this program knows {schema.VERSION}: "
                    "run the version of recwatch that wrote them, or name another file at `store`"
                )
            for before in range(version, schema.VERSION):
                for statement in schema.MIGRATIONS[before]:
                    connection.exec_driver_sql(statement)
            connection.execute(update(schema.schema_version).values(version=schema.VERSION))


def _configure(connection: Any, _record: object) -> None:
    # sqlite3's own implicit transactions begin too late and as readers; `_begin` says BEGIN itself.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a writer that began as a reader could fail at its first write without being able to wait.
    write = connection.get_execution_options().get("recwatch_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
