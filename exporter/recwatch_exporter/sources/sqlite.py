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


class SqliteEngine(IbisEngine):
    """A SQLite file.

    SQLite has no type for times: a column that is declared as one holds texts (UTC where they name no zone)
    or seconds since 1970. It has no NaN, and a column of numbers may hold texts: these count as no values.

    Args:
        path: the file.
        deadline: see `IbisEngine`.

    Raises:
        SourceError: when there is no such file.
    """

    def __init__(self, path: Path, deadline: Deadline) -> None:
        if not path.is_file():
            raise SourceError(f"{path} does not exist: write it first, or correct database")
        # Another thread interrupts.
        self._connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=ro", uri=True, check_same_thread=False
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

    def interrupt(self) -> None:
        """End the query that runs, from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


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
