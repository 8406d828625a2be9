"""Any engine that Ibis knows, by its connection: SQLite, PostgreSQL, Spark, Trino, BigQuery and others."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.exceptions import TableNotFound

from recwatch_exporter.errors import CheckError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.duck import first_line
from recwatch_exporter.sources.queries import only_select

_NAMED = 5  # tables in a message


class IbisEngine:
    """An engine behind an Ibis connection.

    Args:
        backend: the connection.
        deadline: checked between batches; its `interrupt` is the caller's to arrange.
    """

    def __init__(self, backend: Any, deadline: Deadline) -> None:
        self.name: str = backend.name
        self.backend = backend
        self._deadline = deadline

    def table(self, name: str) -> ir.Table:
        """A table or a view; `schema.table` where it is not in the default schema."""
        database, _, plain = name.rpartition(".")
        with self.errors():
            try:
                return self.backend.table(plain, database=database) if database else self.backend.table(plain)
            except TableNotFound as error:
                raise SourceError(self._no_table(name, plain, database)) from error

    def _no_table(self, name: str, plain: str, database: str) -> str:
        there = self.backend.list_tables(database=database or None)
        if not there:
            return f"there is no table {name}, nor any other: correct table or database"
        near = get_close_matches(plain, there, n=_NAMED) or sorted(there)[:_NAMED]
        listed = ", ".join(f"{database}.{item}" if database else item for item in near)
        more = f" and {len(there) - len(near)} more" if len(there) > len(near) else ""
        return f"there is no table {name}: there are {listed}{more}"

    def query(self, query: str) -> ir.Table:
        """A table of what one SELECT gives."""
        select = only_select(query, self.backend.dialect)
        with self.errors():
            return self.backend.sql(select, schema=self.schema_of(select))

    def schema_of(self, select: str) -> sch.Schema | None:  # noqa: ARG002 - others need it
        """The columns of a SELECT; None leaves it to Ibis."""
        return None

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression."""
        with self.errors():
            return self.backend.to_pyarrow(expression)

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, about `rows` at a time."""
        with self.errors():
            for batch in self.backend.to_pyarrow_batches(expression, chunk_size=rows):
                self._deadline.check()
                yield batch

    def interrupt(self) -> None:
        """Nothing by default: not every driver can, and the process of the check is ended at its deadline."""

    def close(self) -> None:
        """Close the connection."""
        self.backend.disconnect()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say what goes wrong in one line, without a password."""
        self._deadline.check()
        try:
            yield
        except CheckError:
            raise
        except Exception as error:
            self._deadline.check()  # an interrupted query says something else
            raise SourceError(f"cannot be read: {first_line(error)}") from error


def to_batch(rows: Sequence[Sequence[Any]], schema: sch.Schema) -> pa.RecordBatch:
    """Rows of a database driver as Arrow arrays of the types that Ibis says they have."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [
        pa.array([_plain(value, kind) for value in column], type=kind.to_pyarrow())
        for column, kind in zip(columns, schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(schema.names))


def _plain(value: Any, kind: dt.DataType) -> Any:
    if value is None:
        return None
    if kind.is_boolean():
        return bool(value)
    if kind.is_integer():
        return int(value)
    if kind.is_floating():
        return float(value)
    if kind.is_decimal():
        return Decimal(value)
    return str(value) if kind.is_string() else value
