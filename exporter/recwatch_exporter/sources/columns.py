"""SQL expressions over the columns of a view: names checked and quoted, values kept as parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.spans import EVERYTHING, Span

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
_FLOATING = {"FLOAT", "DOUBLE"}
_LARGE = {"UBIGINT", "HUGEINT", "UHUGEINT"}


@dataclass(frozen=True)
class View:
    """Some rows of some files.

    Attributes:
        side: `reference` or `current`, for messages.
        files: the files; none means no rows.
        filter: column to the value that it must have.
        timestamp: the column of the event's time.
        span: the stretch of event time.
    """

    side: str
    files: tuple[Path, ...]
    filter: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    timestamp: str | None = None
    span: Span = EVERYTHING


@dataclass(frozen=True)
class Columns:
    """The columns of a view's files.

    Every method raises `SourceError` when a column is not there or of the wrong type.

    Attributes:
        view: whose.
        types: column to DuckDB's name of its type.
    """

    view: View
    types: Mapping[str, str]

    def name(self, column: str) -> str:
        """The column's name, quoted."""
        self._type(column)
        return _quote(column)

    def vector(self, column: str) -> str:
        """A column of lists of numbers."""
        kind = self._type(column)
        if not kind.endswith("]"):
            raise self._wrong(column, kind, "a list of numbers: name the column of the vectors")
        return _quote(column)

    def value(self, column: str, *, numeric: bool) -> tuple[str, str]:
        """The expression of a value, and the condition that there is one. NaN is no value."""
        kind, name = self._type(column), _quote(column)
        if kind in _WHOLE:
            return name, f"{name} IS NOT NULL"
        if kind in _FLOATING:
            return name, f"{name} IS NOT NULL AND NOT isnan({name})"
        if kind in _LARGE or kind.startswith("DECIMAL"):
            return f"CAST({name} AS DOUBLE)", f"{name} IS NOT NULL"
        if numeric:
            raise self._wrong(column, kind, "a number: psi takes any type")
        return f"CAST({name} AS VARCHAR)", f"{name} IS NOT NULL"

    def time(self, column: str) -> tuple[str, bool]:
        """The expression of a time, and whether it knows its zone. A time without one is UTC."""
        kind, name = self._type(column), _quote(column)
        if kind == "TIMESTAMP WITH TIME ZONE":
            return name, True
        if kind == "TIMESTAMP":
            return name, False
        if kind.startswith("TIMESTAMP_") or kind == "DATE":
            return f"CAST({name} AS TIMESTAMP)", False
        raise self._wrong(column, kind, "a time: write it as timestamps")

    def where(self, *conditions: str, windowed: bool = True) -> tuple[str, list[object]]:
        """The view's filter, its span if `windowed`, and more conditions: a clause and its parameters."""
        found, values = list(conditions), list[object]()
        for column, value in self.view.filter.items():
            found.append(f"{self.name(column)} = ?")
            values.append(value)
        if windowed and self.view.timestamp is not None:
            time, zoned = self.time(self.view.timestamp)
            for operator, limit in ((">", self.view.span.after), ("<=", self.view.span.until)):
                if limit is not None:
                    found.append(f"{time} {operator} ?")
                    values.append(limit if zoned else limit.replace(tzinfo=None))
        return f"WHERE {' AND '.join(found)}" if found else "", values

    def _type(self, column: str) -> str:
        if column not in self.types:
            known = ", ".join(self.types)
            raise SourceError(f"{self.view.side}: no column {column} in {self.view.files[0]}: it has {known}")
        return self.types[column]

    def _wrong(self, column: str, kind: str, wanted: str) -> SourceError:
        return SourceError(f"{self.view.side}: column {column} is {kind}, not {wanted}")


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
