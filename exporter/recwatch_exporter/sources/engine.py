"""What an engine does for a window: run an expression, hand back what comes of it."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import ibis.expr.types as ir
import pyarrow as pa


class Engine(Protocol):
    """A connection that runs Ibis expressions.

    Attributes:
        name: of the Ibis backend, such as `duckdb`.
    """

    name: str

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression: for aggregates.

        Raises:
            SourceError: when the engine refuses or fails.
            CheckTimeoutError: when the time is over.
        """
        ...

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, about `rows` at a time.

        Raises:
            SourceError: when the engine refuses or fails.
            CheckTimeoutError: when the time is over.
        """
        ...

    def interrupt(self) -> None:
        """End what runs, from another thread."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Database(Engine, Protocol):
    """An engine with tables of its own."""

    def table(self, name: str) -> ir.Table:
        """A table or a view; `schema.table` where it is not in the default schema.

        Raises:
            SourceError: when there is none.
        """
        ...

    def query(self, query: str) -> ir.Table:
        """A table of what a query gives.

        Raises:
            SourceError: when it is not one SELECT, or the engine refuses it.
        """
        ...


@runtime_checkable
class FileReader(Protocol):
    """An engine that reads files of its own kind of storage, such as Spark."""

    def read(self, path: str) -> ir.Table:
        """A table of a file, a folder or a glob.

        Raises:
            SourceError: when it cannot be read.
        """
        ...
