"""DuckDB, the embedded engine: files, arrays in memory, and joins of what lies elsewhere."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.common.exceptions
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from sqlglot.errors import SqlglotError

from recwatch.redaction import mask_passwords
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.queries import called_names, only_select

_CODES = re.compile("\x1b\\[[0-9;]*m")  # of a terminal's colours
# What DuckDB says of a file that ends too early.
_SIGNS_OF_A_CUT = ("No magic bytes found", "too small to be a Parquet file", "Unexpected end of GZIP")
_LINE_OF_CSV = re.compile(r"CSV Error on Line: (\d+)")
_LINES_OF_CSV = 3  # where it is, the line itself, what is wrong with it
_LINE_OF_JSON = re.compile(r'JSON transform error in file "(.+)", in ')
# What DuckDB says after what is wrong: of its own functions' arguments.
_ADVICE = ("Possible", "Column ", "file = ")
_CUT_OFF = ": it is cut off or still being written: write it anew, under .name until it is whole"

# Ibis has no such type; microseconds are what every other engine has.
_NANOSECONDS_WITH_ZONE = "TIMESTAMPTZ_NS"

Settings = Mapping[str, str | bool | int | float | list[str]]

SETTINGS: Settings = {
    # Nothing is ever downloaded: what is read here needs no extension.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
    # No result here depends on the order of rows, and keeping it costs memory.
    "preserve_insertion_order": "false",
    # A name in a query is a table's, never a variable's of this program.
    "python_enable_replacements": "false",
}
# DuckDB's table functions that read rows and do nothing else.
_READERS = frozenset(
    {
        *("read_parquet", "parquet_scan", "read_csv", "read_csv_auto", "read_json", "read_json_auto"),
        *("read_json_objects", "read_json_objects_auto", "read_ndjson", "read_ndjson_auto"),
        *("read_ndjson_objects", "parquet_metadata", "parquet_schema", "json_each", "json_tree"),
        *("range", "generate_series", "unnest", "repeat", "repeat_row", "histogram", "histogram_values"),
    }
)
_FUNCTIONS_OF_TABLES = (
    "SELECT DISTINCT function_name FROM duckdb_functions() "
    "WHERE function_type IN ('table', 'table_macro', 'pragma') AND list_contains(?, function_name) ORDER BY 1"
)


class DuckEngine:
    """DuckDB, in memory or over a file of its own.

    Expressions are compiled by Ibis and run by DuckDB's own connection: tables are declared to Ibis with
    their types, so its connection, which goes through calls that DuckDB 2 has deprecated, is not needed.

    Args:
        deadline: checked between batches; its `interrupt` is the caller's to arrange.
        settings: DuckDB's, besides `SETTINGS`, such as `memory_limit` and `temp_directory`.
        database: a file, which is opened for reading; none is a database in memory.

    Attributes:
        typed: for a SELECT of files by whose every row types are found out, one that is told the types.
    """

    name = "duckdb"

    def __init__(
        self, deadline: Deadline, settings: Settings | None = None, *, database: Path | None = None
    ) -> None:
        self._connection = duckdb.connect(
            ":memory:" if database is None else str(database),
            read_only=database is not None,
            config={**SETTINGS, "temp_directory": _overflow(), **(settings or {})},
        )
        self._connection.execute("SET timezone = 'UTC'")
        self.typed: dict[str, str] = {}
        self._deadline = deadline
        self._compiler = Backend()
        self._names = (f"source_{number}" for number in count())

    def select(self, query: str) -> ir.Table:
        """A table of what a SELECT gives, read anew each time it is used."""
        name = next(self._names)
        with self._errors():
            self._connection.execute(f"CREATE TEMP VIEW {name} AS {query}")
        return self._declare(name)

    def types(self, query: str) -> dict[str, str]:
        """The columns of a SELECT, and DuckDB's names of their types."""
        with self._errors():
            rows = self._connection.execute(f"DESCRIBE {query}").fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    def register(self, table: pa.Table) -> ir.Table:
        """A table of Arrow arrays, which are not copied."""
        name = next(self._names)
        with self._errors():
            self._connection.register(name, table)
        return self._declare(name)

    def table(self, name: str) -> ir.Table:
        """A table or a view of the database."""
        return self.select(f"SELECT * FROM {'.'.join(quote_name(part) for part in name.split('.'))}")  # noqa: S608 - quoted

    def search(self, folder: Path) -> None:
        """Look for files that queries name in a folder first."""
        with self._errors():
            self._connection.execute(f"SET file_search_path = {quote_text(str(folder))}")

    def query(self, query: str) -> ir.Table:
        """A table of what one SELECT gives; of DuckDB's table functions it may call those that read rows."""
        select = only_select(query, "duckdb")
        called, _ = called_names(query, "duckdb")
        others = sorted({name.lower() for name in called} - _READERS)
        with self._errors():
            refused = self._connection.execute(_FUNCTIONS_OF_TABLES, [others]).fetchall()
        if refused:
            names = ", ".join(str(row[0]) for row in refused)
            raise SourceError(f"query calls {names}, which does more than read rows: leave it out")
        return self.select(select)

    def keep(self, batches: Iterator[pa.RecordBatch]) -> ir.Table | None:
        """A table of rows that come from elsewhere, copied; None where no batch comes."""
        name = next(self._names)
        declared = None
        for batch in batches:
            with self._errors():
                self._connection.register("batch", pa.Table.from_batches([batch]))
                if declared is None:
                    self._connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM batch")  # noqa: S608 - ours
                    declared = self._declare(name)
                else:
                    self._connection.execute(f"INSERT INTO {name} SELECT * FROM batch")  # noqa: S608 - ours
                self._connection.unregister("batch")
        return declared

    def go_on(self) -> None:
        """Raise where the time is over, for what is read beside it."""
        self._deadline.check()

    def fetch(self, expression: ir.Table) -> pa.Table:
        """All rows of an expression."""
        with self._errors():
            relation: pa.Table = self._connection.sql(self._compile(expression)).to_arrow_table()
            return relation

    def stream(self, expression: ir.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of an expression, at most `rows` at a time."""
        with self._errors():
            reader = self._connection.sql(self._compile(expression)).to_arrow_reader(rows)
        while True:
            with self._errors():
                batch = next(reader, None)
            if batch is None:
                return
            if batch.num_rows:
                yield batch

    def interrupt(self) -> None:
        """End the query that runs, from another thread."""
        self._connection.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _compile(self, expression: ir.Table) -> str:
        compiled: str = self._compiler.compile(expression)
        return compiled

    def _declare(self, name: str) -> ir.Table:
        kinds = self.types(f"SELECT * FROM {name}")  # noqa: S608 - ours
        fine = [column for column, kind in kinds.items() if kind == _NANOSECONDS_WITH_ZONE]
        if fine:
            coarse = ", ".join(
                f"{quote_name(column)}::TIMESTAMPTZ AS {quote_name(column)}" for column in fine
            )
            return self.select(f"SELECT * REPLACE ({coarse}) FROM {name}")  # noqa: S608 - quoted
        with self._errors():
            types = self._compiler.compiler.type_mapper
            return ibis.table({column: _type(types, kind) for column, kind in kinds.items()}, name=name)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        self._deadline.check()
        try:
            yield
        except (duckdb.Error, OSError, pa.ArrowException, ibis.common.exceptions.IbisError) as error:
            self._deadline.check()  # an interrupted query says something else
            raise SourceError(f"cannot be read: {first_line(error)}") from error


def _overflow() -> str:
    # DuckDB's own default is a folder in the current one, which may be read only.
    return str(Path(tempfile.gettempdir()) / f"recwatch-exporter-{os.getpid()}")


def first_line(error: BaseException) -> str:
    """What an engine's error says, on one line and without a password."""
    lines = [line.strip() for line in _CODES.sub("", str(error)).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return mask_passwords(_of_csv(lines) or _of_json(lines[0]) or lines[0]) + (
        _CUT_OFF if any(sign in lines[0] for sign in _SIGNS_OF_A_CUT) else ""
    )


def _of_csv(lines: Sequence[str]) -> str | None:
    """The line and the value that DuckDB cannot read, which it says on lines of its own."""
    found = _LINE_OF_CSV.search(lines[0])
    if found is None or len(lines) < _LINES_OF_CSV:
        return None
    end = next((at for at, line in enumerate(lines) if line.startswith(_ADVICE)), len(lines))
    files = [line.removeprefix("file = ") for line in lines if line.startswith("file = ")]
    file = files[-1] if files else "the file"
    said = f"line {found[1]} of {file}: {lines[end - 1]:.300}"
    if "Could not convert" not in said:
        return f"{said.rstrip('.')}: correct that line"
    return f"{said}: correct the value or leave it empty, or let every row decide: {_every('csv', file)}"


def _of_json(line: str) -> str | None:
    found = _LINE_OF_JSON.search(line)
    if found is None:
        return None
    return f"{line:.300}: correct the value, or let every row decide: {_every('json', found[1])}"


def _every(kind: str, file: str) -> str:
    return f"read_{kind}({quote_text(file)}, sample_size = -1)"


def quote_name(name: str) -> str:
    """A name as SQL writes it."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quote_text(text: str) -> str:
    """A text as SQL writes it."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _type(types: Any, name: str) -> Any:
    try:
        return types.from_string(name)
    except (SqlglotError, ibis.common.exceptions.IbisError, TypeError, ValueError, KeyError):
        # Whatever cannot be parsed: such a column cannot be named, others can.
        return ibis.dtype("unknown")
