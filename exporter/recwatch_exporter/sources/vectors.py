"""Columns of vectors: counted, and paired by id a chunk at a time."""

from collections.abc import Iterator
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recwatch_exporter.data import Pairs
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.arrays import release
from recwatch_exporter.sources.duck import DuckEngine
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.view import View

ROWS_AT_ONCE = 8192


def count(view: View, column: str, key: str) -> int:
    """See `Window.count_vectors`."""
    if view.arrays is not None:
        view.vector(column)
        keys = np.sort(_keys(view, key))  # np.unique of numpy 2.4 takes fifty times as long
        return _unique(len(keys), len(keys) - int(np.count_nonzero(keys[1:] == keys[:-1])), key)
    keyed = view.where(view.vector(column).notnull(), view.column(key).notnull()).table
    found = view.aggregate(keyed, n=keyed.count(), distinct=keyed[key].nunique())
    return _unique(int(found["n"]), int(found["distinct"]), key)


def _unique(n: int, distinct: int, key: str) -> int:
    if n > distinct:
        raise SourceError(f"{n - distinct} rows repeat the {key} of another: keep one vector each")
    return n


def pairs(local: DuckEngine, reference: View, current: View, column: str, key: str) -> Iterator[Pairs]:
    """See `Window.pairs`; DuckDB joins, what lies elsewhere is copied to it first.

    Raises:
        SourceError: when a side's vectors differ in length.
    """
    texts = []
    for view in (reference, current):
        with view.errors():
            texts.append(view.kind(key) is Kind.TEXT)
    if texts[0] is not texts[1]:
        raise SourceError(
            f"column {key} holds text in one window and numbers in the other: write one of them"
        )
    if reference.arrays is not None and current.arrays is not None:
        yield from _mapped_pairs(local, reference, current, column, key)
        return
    left, right = (_bring(local, view, column, key) for view in (reference, current))
    if left is None or right is None:
        return
    left = left.select("key", reference="vector")
    right = right.select(other="key", current="vector")  # names of its own: both may be one table
    joined = left.join(right, left.key == right.other).select("key", "reference", "current")
    for batch in local.stream(joined, ROWS_AT_ONCE):
        yield Pairs(
            to_numpy(batch.column("key")),
            matrix(batch.column("reference"), "reference"),
            matrix(batch.column("current"), "current"),
        )


def _mapped_pairs(
    local: DuckEngine, reference: View, current: View, column: str, key: str
) -> Iterator[Pairs]:
    """Pairs of two files of arrays: slices of both where their ids are the same, else rows picked by id."""
    keys, arrays = [], []
    for view in (reference, current):
        with view.errors():
            view.vector(column)
            keys.append(_keys(view, key))
            assert view.arrays is not None  # noqa: S101 - the caller has seen to it
            arrays.append(view.arrays[column])
    if np.array_equal(keys[0], keys[1]):
        ids, places = keys[0], None
    else:
        ids, *places = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    for start in range(0, len(ids), ROWS_AT_ONCE):
        local.go_on()
        part = slice(start, start + ROWS_AT_ONCE)
        picked: list[Any] = [part, part] if places is None else [rows[part] for rows in places]
        chunks = [floats(array[rows]) for array, rows in zip(arrays, picked, strict=True)]
        yield Pairs(np.asarray(ids[part]), chunks[0], chunks[1])
        for array in arrays:
            release(array)


def _keys(view: View, key: str) -> NDArray[Any]:
    view.column(key)
    assert view.arrays is not None  # noqa: S101 - the caller has seen to it
    return view.arrays[key]


def _bring(local: DuckEngine, view: View, column: str, key: str) -> ir.Table | None:
    """The columns `key` and `vector` in DuckDB; None where nothing comes from elsewhere."""
    with view.errors():
        keyed = view.where(view.vector(column).notnull(), view.column(key).notnull()).table
        table = keyed.select(key=keyed[key], vector=keyed[column])
        return table if view.engine is local else local.keep(view.stream(table, ROWS_AT_ONCE))


def matrix(column: Any, side: str) -> NDArray[Any]:
    """A column of lists, none of them missing, as (rows, dimensions): float32 stays, all else is float64.

    Raises:
        SourceError: when the lists differ in length.
    """
    lengths = np.unique(pc.list_value_length(column).to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise SourceError(f"{side}: vectors have {lengths[0]} to {lengths[-1]} numbers: write equal lengths")
    flat = column.flatten().to_numpy(zero_copy_only=False)
    dimensions = int(lengths[0]) if len(lengths) else 0
    return floats(flat.reshape(len(column), dimensions))


def floats(array: NDArray[Any]) -> NDArray[Any]:
    """Numbers as float32 where they are, else as float64."""
    return np.asarray(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)


def to_numpy(column: "pa.Array | pa.ChunkedArray") -> NDArray[Any]:
    """A column without missing values."""
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy())
    return np.asarray(column.to_numpy(zero_copy_only=False))
