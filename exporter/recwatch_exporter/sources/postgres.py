"""PostgreSQL, in sessions that cannot write."""

from collections.abc import Iterator

import ibis
import ibis.expr.schema as sch
import ibis.expr.types as ir
import psycopg
import pyarrow as pa

from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.ibis_engine import IbisEngine, to_batch

_PATIENCE_SECONDS = 10


class PostgresEngine(IbisEngine):
    """A PostgreSQL database.

    Args:
        url: `postgresql://user:password@host:port/database`.
        deadline: see `IbisEngine`.
    """

    def __init__(self, url: str, deadline: Deadline) -> None:
        self._connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=_PATIENCE_SECONDS,
            options="-c default_transaction_read_only=on",
            application_name="recwatch-exporter",
        )
        super().__init__(ibis.postgres.from_connection(self._connection), deadline)

    def schema_of(self, select: str) -> sch.Schema:
        """The columns of a SELECT, as the server describes them: Ibis would create a view for it."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM (\n{select}\n) AS query LIMIT 0")  # noqa: S608 - one SELECT
            described = cursor.description or ()
            names = [column.name for column in described]
            codes = [column.type_code for column in described]
            cursor.execute("SELECT format_type(code, NULL) FROM unnest(%s::oid[]) AS code", [codes])
            types = [row[0] for row in cursor.fetchall()]
        mapper = self.backend.compiler.type_mapper
        return sch.Schema({name: mapper.from_string(kind) for name, kind in zip(names, types, strict=True)})

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression."""
        with self.errors(), self._connection.cursor() as cursor:
            cursor.execute(self.backend.compile(expression))
            return pa.Table.from_batches([to_batch(cursor.fetchall(), expression.schema())])

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, at most `rows` at a time, by a cursor of the server."""
        schema = expression.schema()
        with self.errors(), self._connection.transaction(), self._connection.cursor("rows") as cursor:
            cursor.execute(self.backend.compile(expression))
            while found := cursor.fetchmany(rows):
                yield to_batch(found, schema)
                self._deadline.check()

    def interrupt(self) -> None:
        """End the query that runs, from another thread."""
        self._connection.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
