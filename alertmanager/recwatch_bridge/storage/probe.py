"""Whether a database can be used, for whoever asks before the bridge starts: nothing is made or changed."""

import os
from pathlib import Path

from sqlalchemy import NullPool, create_engine, func, inspect, select
from sqlalchemy.engine import URL

from recwatch.errors import StoreError
from recwatch.store.engine import using_database
from recwatch.store.migrate import is_current
from recwatch_bridge.folders import why_unwritable
from recwatch_bridge.storage.engine import complete, create_sessions
from recwatch_bridge.storage.migrate import MIGRATIONS

_MAGIC = b"SQLite format 3\x00"


def probe(url: str, password: str | None = None, *, timeout: float = 5.0) -> None:
    """Find out whether a bridge could open a database; one that is in use is all right.

    Args:
        url: of the database.
        password: of PostgreSQL.
        timeout: seconds to wait for a server.

    Raises:
        StoreError: when it could not.
    """
    address = complete(url, password)
    with using_database(address):
        if address.get_backend_name() == "sqlite":
            _probe_file(Path(address.database or ""))
        else:
            _probe_server(address, timeout)


def _probe_file(file: Path) -> None:
    reason = why_unwritable(file.parent)
    if reason is not None:
        raise StoreError(f"{reason}: let the bridge write there, or name a file in another folder")
    for path in (file, *(file.with_name(file.name + end) for end in (".lock", "-wal", "-shm"))):
        if path.is_dir():
            raise StoreError(f"{path} is a folder: name a file in it")
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            raise StoreError(f"{path} cannot be read and written: give it to whoever runs the bridge")
    if not file.exists() or file.stat().st_size == 0:
        return
    with file.open("rb") as content:
        if content.read(len(_MAGIC)) != _MAGIC:
            raise StoreError(f"{file} is no SQLite database: name another file")
    # A file that nobody has open is read as if it could not change: SQLite would make files beside it.
    is_open = file.with_name(f"{file.name}-shm").exists()
    query = {"uri": "true", **({"mode": "ro"} if is_open else {"immutable": "1"})}
    _look(URL.create("sqlite", database=f"file:{_quoted(file)}", query=query))


def _quoted(file: Path) -> str:
    return str(file).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _look(address: URL) -> None:
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        if inspect(connection).has_table(MIGRATIONS.table):
            is_current(connection, MIGRATIONS)


def _probe_server(address: URL, timeout: float) -> None:
    with create_sessions(address, timeout).connect() as connection:
        table = inspect(connection).has_table(MIGRATIONS.table)
        if table and is_current(connection, MIGRATIONS):
            return
        schema = func.current_schema()
        if not connection.scalar(select(func.has_schema_privilege(schema, "CREATE"))):
            raise StoreError(
                f"{address!r}: tables have to be made and this user may not: "
                f"GRANT CREATE ON SCHEMA public TO {address.username}"
            )
