"""PostgreSQL, in transactions that cannot write and are rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, LiteralString

import ibis
import ibis.expr.schema as sch
import ibis.expr.types as ir
import psycopg
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.ibis_engine import IbisEngine, to_batch
from recwatch_exporter.sources.queries import called_names

_PATIENCE_SECONDS = 10
_GRACE_MILLISECONDS = 2_000  # the query is cancelled from here first, with a message of ours
_KNOWS_LOST_CLIENTS = 140_000  # the first version of the server that looks whether its client is there
# Of the functions that PostgreSQL calls volatile, those that change nothing.
_HARMLESS = ["random", "random_normal", "gen_random_uuid", "clock_timestamp", "timeofday", "pg_sleep"]
_VOLATILE: LiteralString = """
    SELECT DISTINCT proname FROM pg_proc LEFT JOIN pg_type ON pg_type.oid = proargtypes[0]
    WHERE provolatile = 'v' AND proname <> ALL(%(harmless)s)
    AND (proname = ANY(%(called)s) OR (proname = ANY(%(dotted)s) AND pronargs = 1 AND typtype = 'c'))
    ORDER BY proname
"""


class PostgresEngine(IbisEngine):
    """A PostgreSQL database.

    Every query runs in a transaction of its own that begins `READ ONLY`, which nothing within it can undo,
    and is rolled back, so that no setting and no large object outlives it. The server ends by itself what
    outlasts the deadline, or its client.

    Args:
        url: `postgresql://user:password@host:port/database`.
        deadline: see `IbisEngine`.
    """

    def __init__(self, url: str, deadline: Deadline) -> None:
        given = {"connect_timeout": _PATIENCE_SECONDS, "application_name": "recwatch-exporter"}
        ours: dict[str, Any] = {
            name: item for name, item in given.items() if name not in conninfo_to_dict(url)
        }
        self._connection = psycopg.connect(url, autocommit=True, **ours)
        self._connection.read_only = True  # of every transaction; autocommit is for Ibis's own questions
        self._limit(deadline)
        super().__init__(ibis.postgres.from_connection(self._connection), deadline)

    def query(self, query: str) -> ir.Table:
        """A table of what one SELECT gives that calls no function that changes something."""
        called, dotted = called_names(query, self.backend.dialect)
        with self._reading() as cursor:
            asked = {"harmless": _HARMLESS, "called": sorted(called), "dotted": sorted(dotted)}
            cursor.execute(_VOLATILE, asked)
            refused = [row[0] for row in cursor.fetchall()]
        if refused:
            raise SourceError(
                f"query calls {', '.join(refused)}, which may change something (it is VOLATILE): "
                "leave it out, or declare a function of your own STABLE"
            )
        return super().query(query)

    def schema_of(self, select: str) -> sch.Schema:
        """The columns of a SELECT, as the server describes them: Ibis would create a view for it."""
        with self._reading() as cursor:
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
        with self._reading() as cursor:
            cursor.execute(self.backend.compile(expression))
            return pa.Table.from_batches([to_batch(cursor.fetchall(), expression.schema())])

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, at most `rows` at a time, by a cursor of the server."""
        schema = expression.schema()
        with self._reading("rows") as cursor:
            cursor.execute(self.backend.compile(expression))
            while found := cursor.fetchmany(rows):
                yield to_batch(found, schema)
                self._deadline.check()

    def _limit(self, deadline: Deadline) -> None:
        """Let the server end what nobody waits for any more: the process of a check may be killed."""
        connection = self._connection
        connection.execute("SET default_transaction_read_only = on")
        milliseconds = max(1, round(deadline.remaining() * 1000)) + _GRACE_MILLISECONDS
        connection.execute(
            "SELECT set_config('statement_timeout', %s, false) FROM pg_settings"
            " WHERE name = 'statement_timeout' AND (setting = '0' OR setting::bigint > %s)",
            [str(min(milliseconds, (1 << 31) - 1)), milliseconds],
        )
        if connection.info.server_version >= _KNOWS_LOST_CLIENTS:
            with suppress(psycopg.Error):  # the server's system may not be able to
                connection.execute("SET client_connection_check_interval = '5s'")

    @contextmanager
    def _reading(self, name: str = "") -> Iterator[Any]:
        """A cursor, of the server if it has a name, in a transaction that reads and is rolled back."""
        connection = self._connection
        with (
            self.errors(),
            connection.transaction(force_rollback=True),
            connection.cursor(name) if name else connection.cursor() as cursor,
        ):
            yield cursor

    def interrupt(self) -> None:
        """End the query that runs, from another thread."""
        self._connection.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
