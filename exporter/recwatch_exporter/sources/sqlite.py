"""SQLite files, opened for reading only."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.ibis_engine import IbisEngine, to_batch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEADER = 20  # bytes, the last two of which say how the file is written and read
_VERSIONS = slice(18, 20)
_LOGGED = b"\x02\x02"


class SqliteEngine(IbisEngine):
    """A SQLite file, beside which nothing is written.

    SQLite has no type for times: a column that is declared as one holds texts (UTC where they name no zone)
    or seconds since 1970. It has no NaN, and a column of numbers may hold texts: these count as no values.

    A file with a log of writes (`journal_mode = wal`) whose writer has ended is read as one that nobody
    changes: SQLite would lay two files beside it, and could not where the folder is read only. A change of it
    while it is read is told.

    Args:
        path: the file.
        deadline: see `IbisEngine`.

    Raises:
        SourceError: when there is no such file, or its writer left it in mid-course.
    """

    def __init__(self, path: Path, deadline: Deadline) -> None:
        if not path.is_file():
            raise SourceError(f"{path} does not exist: write it first, or correct database")
        self._path = path
        self._unchanging = _stamp(path) if _is_at_rest(path) else None
        how = "mode=ro" if self._unchanging is None else "mode=ro&immutable=1"
        # Another thread interrupts.
        self._connection = sqlite3.connect(
            f"file:{quote(str(path))}?{how}", uri=True, check_same_thread=False
        )
        self._connection.create_function("recwatch_microseconds", 1, microseconds, deterministic=True)
        super().__init__(ibis.sqlite.from_connection(self._connection), deadline)

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression."""
        schema = expression.schema().to_pyarrow()
        return pa.Table.from_batches(self.stream(expression, 1 << 16), schema=schema)

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, at most `rows` at a time."""
        schema = expression.schema()
        with self.errors():
            cursor = self._connection.execute(self.backend.compile(expression))
            while found := cursor.fetchmany(rows):
                yield to_batch(found, schema)
                self._deadline.check()
        self._still_the_same()

    def _still_the_same(self) -> None:
        if self._unchanging is not None and _stamp(self._path) != self._unchanging:
            raise SourceError(f"{self._path} was written while it was read: run the check again")

    def interrupt(self) -> None:
        """End the query that runs, from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _is_at_rest(path: Path) -> bool:
    """Whether a file keeps a log of writes, and that is empty: then nobody has it open for writing.

    Raises:
        SourceError: when the log holds writes, and the index of it, without which nothing reads it, is gone.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if header[_VERSIONS] != _LOGGED:
        return False
    log, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    if log.exists() and log.stat().st_size and not index.exists():
        raise SourceError(
            f"{log} holds writes that are not in {path.name} yet, and {index.name} is not there: "
            "copy all three files together, or open it once with its writer"
        )
    return not log.exists() or not index.exists()


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def microseconds(value: str | float | None) -> int | None:
    """A time as SQLite keeps it, in microseconds since 1970; None for what is none."""
    if value is None:
        return None
    if isinstance(value, (int, float)):
        return round(value * 1_000_000)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
