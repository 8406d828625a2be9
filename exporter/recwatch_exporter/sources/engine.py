"""What an engine does for a window: run an expression, hand back what comes of it."""

from collections.abc import Iterator
from typing import Protocol

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
