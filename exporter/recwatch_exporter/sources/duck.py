"""Data by DuckDB: filters, windows and aggregation are pushed down, so counts come back, not rows.

File names and values are bound as parameters; column names are checked against the files and quoted.
"""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import SideCounts
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.columns import Columns, View

if TYPE_CHECKING:
    from pathlib import Path

_READ = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
_ROWS_AT_ONCE = 8192
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    # Nothing is ever downloaded: reading Parquet needs no extension.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "threads": "2",
}


@dataclass(frozen=True)
class Pairs:
    """Vectors of ids that both windows have: a chunk of rows."""

    ids: NDArray[Any]
    reference: FloatArray
    current: FloatArray


@contextmanager
def open_source(deadline: Deadline) -> Iterator["Source"]:
    """A source for one run of one check; a query that outlasts the deadline is interrupted.

    Raises:
        SourceError: when data cannot be read.
        CheckTimeoutError: when the deadline passes.
    """
    with (
        duckdb.connect(":memory:", config=_SETTINGS) as connection,
        deadline.interrupting(connection.interrupt),
    ):
        try:
            yield Source(connection, deadline)
        except (duckdb.Error, OSError, pa.ArrowException) as error:
            deadline.check()  # an interrupted query says something else
            message = str(error).strip().splitlines()[0]
            raise SourceError(f"cannot be read: {message}") from error


class Source:
    """Queries over views. Every query needs its columns to be there, and says so when they are not."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._types: dict[tuple[Path, ...], dict[str, str]] = {}

    def newest(self, view: View, column: str) -> datetime | None:
        """The newest time in a column, within the filter and whatever the span; None without rows."""
        if not view.files:
            return None
        columns = self._columns(view)
        where, values = columns.where(windowed=False)
        time, _ = columns.time(column)
        query = f"SELECT epoch_us(max({time})) FROM {_READ} {where}"  # noqa: S608 - names are quoted
        microseconds = self._query(query, [_names(view), *values]).fetchall()[0][0]
        return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)

    def count_values(self, view: View, column: str, cluster: str | None, *, numeric: bool) -> SideCounts:
        """How often each value occurs (in each cluster). Rows without a value or a cluster are left out."""
        empty = np.empty(0)
        if not view.files:
            return SideCounts(empty, empty.astype(np.int64), None if cluster is None else empty)
        columns = self._columns(view)
        value, has_value = columns.value(column, numeric=numeric)
        names, conditions = [f"{value} AS value"], [has_value]
        if cluster is not None:
            unit, has_unit = columns.value(cluster, numeric=False)
            names.append(f"{unit} AS cluster")
            conditions.append(has_unit)
        where, values = columns.where(*conditions)
        query = f"SELECT {', '.join(names)}, count(*) AS n FROM {_READ} {where} GROUP BY ALL"  # noqa: S608 - names are quoted
        found = self._query(query, [_names(view), *values]).fetchnumpy()
        return SideCounts(
            np.asarray(found["value"]),
            np.asarray(found["n"], dtype=np.int64),
            None if cluster is None else np.asarray(found["cluster"]),
        )

    def count_vectors(self, view: View, column: str, key: str) -> int:
        """How many vectors there are.

        Raises:
            SourceError: when an id has more than one vector.
        """
        if not view.files:
            return 0
        columns = self._columns(view)
        vector, name = columns.vector(column), columns.name(key)
        where, values = columns.where(f"{vector} IS NOT NULL", f"{name} IS NOT NULL")
        query = f"SELECT count(*), count(DISTINCT {name}) FROM {_READ} {where}"  # noqa: S608 - names are quoted
        rows, distinct = self._query(query, [_names(view), *values]).fetchall()[0]
        if rows != distinct:
            twice = rows - distinct
            raise SourceError(f"{view.side}: {twice} rows repeat the {key} of another: keep one vector each")
        return int(rows)

    def pairs(self, reference: View, current: View, column: str, key: str) -> Iterator[Pairs]:
        """Vectors of both sides for the ids that both have, a chunk at a time.

        Raises:
            SourceError: when a side's vectors differ in length.
        """
        if not reference.files or not current.files:
            return
        parts, parameters = list[str](), list[object]()
        for view in (reference, current):
            columns = self._columns(view)
            vector, name = columns.vector(column), columns.name(key)
            where, values = columns.where(f"{vector} IS NOT NULL")
            parts.append(f"SELECT {name} AS key, {vector} AS vector FROM {_READ} {where}")  # noqa: S608 - names are quoted
            parameters += [_names(view), *values]
        self._deadline.check()
        query = (
            "SELECT r.key AS key, r.vector AS reference, c.vector AS current "  # noqa: S608 - names are quoted
            f"FROM ({parts[0]}) r JOIN ({parts[1]}) c ON r.key = c.key"
        )
        for batch in self._connection.sql(query, params=parameters).to_arrow_reader(_ROWS_AT_ONCE):
            self._deadline.check()
            if batch.num_rows:
                yield Pairs(
                    batch.column("key").to_numpy(zero_copy_only=False),
                    _matrix(batch.column("reference"), "reference"),
                    _matrix(batch.column("current"), "current"),
                )

    def _query(self, query: str, parameters: list[object]) -> duckdb.DuckDBPyConnection:
        self._deadline.check()
        return self._connection.execute(query, parameters)

    def _columns(self, view: View) -> Columns:
        if view.files not in self._types:
            rows = self._query(f"DESCRIBE SELECT * FROM {_READ}", [_names(view)]).fetchall()  # noqa: S608 - no names
            self._types[view.files] = {row[0]: str(row[1]) for row in rows}
        return Columns(view, self._types[view.files])


def _names(view: View) -> list[str]:
    # DuckDB would take `*`, `?` and `[` in a file's name for a pattern.
    return [glob.escape(str(path)) for path in view.files]


def _matrix(column: Any, side: str) -> FloatArray:
    """A column of lists as (rows, dimensions)."""
    lengths = np.unique(pc.list_value_length(column).to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise SourceError(f"{side}: vectors have {lengths[0]} to {lengths[-1]} numbers: write equal lengths")
    flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(flat.reshape(len(column), int(lengths[0])), dtype=np.float64)
