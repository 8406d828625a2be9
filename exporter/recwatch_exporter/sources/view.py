"""Rows of one side as an Ibis table on an engine, with errors that name the side."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import ibis.common.exceptions
import ibis.expr.types as ir
import pyarrow as pa

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources import expressions
from recwatch_exporter.sources.arrays import Arrays
from recwatch_exporter.sources.engine import Engine
from recwatch_exporter.sources.kinds import Kind, kind_of


@dataclass(frozen=True)
class View:
    """Some rows.

    Attributes:
        side: `reference` or `current`, for messages.
        place: where the data is, for messages.
        engine: runs what is asked.
        table: the rows.
        arrays: the same rows as arrays, where they lie in a file of arrays and all of them are meant.
    """

    side: str
    place: str
    engine: Engine
    table: ir.Table
    arrays: Arrays | None = None

    def kind(self, column: str) -> Kind:
        """What a column holds."""
        return kind_of(self.column(column).type())

    def column(self, column: str) -> ir.Value:
        """A column; raises `SourceError` where there is none."""
        if column not in self.table.columns:
            known = ", ".join(self.table.columns)
            said = f"no column {column} in {self.place}: it has {known}"
            if len(self.table.columns) == 1 and column in re.split(r"[,;|\t]", known):
                said += ", as one column: a row of another length, such as one cut off, hides the separator"
            raise SourceError(said)
        return self.table[column]

    def vector(self, column: str) -> ir.Value:
        """A column of lists of numbers; raises `SourceError` where it is none."""
        kind = self.kind(column)
        if kind is not Kind.VECTOR:
            raise SourceError(
                f"column {column} is {kind}, not a list of numbers: name the column of the vectors"
            )
        return self.column(column)

    def is_value(self, field: ir.Value) -> ir.BooleanValue:
        """Whether a field of this view has a value: not missing, not NaN, not infinite."""
        return expressions.is_value(field, self.engine.name)

    def where(self, *conditions: ir.BooleanValue) -> "View":
        """The rows for which all of these hold."""
        return replace(self, table=self.table.filter(*conditions), arrays=None) if conditions else self

    def count(self, table: ir.Table | None = None) -> int:
        """How many rows there are, here or in a table made of this one."""
        counted = self.table if table is None else table
        return int(self.aggregate(counted, n=counted.count())["n"])

    def aggregate(self, table: ir.Table, **figures: ir.Value) -> dict[str, Any]:
        """Some figures of a table made of this one."""
        return dict(self.fetch(table.aggregate(**figures)).to_pylist()[0])

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression over this one."""
        with self.errors():
            return self.engine.fetch(expression)

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression over this one, about `rows` at a time."""
        with self.errors():
            yield from self.engine.stream(expression, rows)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Name the side in what goes wrong."""
        try:
            yield
        except SourceError as error:
            raise named(self.side, error) from error.__cause__
        except ibis.common.exceptions.IbisError as error:
            raise SourceError(f"{self.side}: cannot be computed: {error}") from error


def named(side: str, error: SourceError) -> SourceError:
    """An error that names the side, once."""
    message = str(error)
    return error if message.startswith(("reference:", "current:")) else SourceError(f"{side}: {message}")
