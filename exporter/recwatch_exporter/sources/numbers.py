"""Numeric rows of a view: some columns, or one column of vectors."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.data import Cluster, Rows, Sample
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources import expressions, vectors
from recwatch_exporter.sources.arrays import release
from recwatch_exporter.sources.counting import cluster_of, slot_of, slotted, with_numbers
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.rows import StreamedRows
from recwatch_exporter.sources.view import View

_NUMBERS_AT_ONCE = 1 << 19


def numbers(view: View, columns: tuple[str, ...], cluster: Cluster | None) -> Rows:
    """See `Window.numbers`."""
    if len(columns) == 1 and view.kind(columns[0]) is Kind.VECTOR:
        return _of_vectors(view, columns[0], cluster)
    for name in columns:
        view = with_numbers(view, name)
    valued = view.where(*(view.is_value(view.column(name)) for name in columns))
    valued = _clustered(valued, cluster)
    selected = {f"c{i}": expressions.number(valued.column(name)) for i, name in enumerate(columns)}
    if cluster is not None:
        selected["cluster"] = cluster_of(valued, cluster)
        if cluster.slots is not None:
            selected["slot"] = slot_of(valued, cluster.slots)
    table = valued.table.select(**selected)
    at_once = max(1024, _NUMBERS_AT_ONCE // len(columns))

    def read() -> Iterator[Sample]:
        for batch in view.stream(table, at_once):
            values = np.column_stack([vectors.to_numpy(batch.column(i)) for i in range(len(columns))])
            clusters = None if cluster is None else vectors.to_numpy(batch.column("cluster"))
            yield Sample(values, clusters, slotted(cluster, batch))

    n = valued.count()
    return StreamedRows(n, len(columns), view.count() - n, read)


def _of_vectors(view: View, column: str, cluster: Cluster | None) -> Rows:
    if view.arrays is not None and cluster is None:
        return _of_array(view.arrays[column])
    valued = _clustered(view.where(view.vector(column).notnull()), cluster)
    selected = {"vector": valued.column(column)}
    if cluster is not None:
        selected["cluster"] = cluster_of(valued, cluster)
        if cluster.slots is not None:
            selected["slot"] = slot_of(valued, cluster.slots)
    table = valued.table.select(**selected)

    def read() -> Iterator[Sample]:
        lengths = set[int]()
        for batch in view.stream(table, vectors.ROWS_AT_ONCE):
            values = vectors.matrix(batch.column("vector"), view.side).astype(np.float64, copy=False)
            lengths.add(values.shape[1])
            if len(lengths) > 1:
                low, high = sorted(lengths)
                raise SourceError(f"{view.side}: vectors have {low} to {high} numbers: write equal lengths")
            finite = np.isfinite(values).all(axis=1)
            clusters = None if cluster is None else vectors.to_numpy(batch.column("cluster"))[finite]
            slots = slotted(cluster, batch)
            yield Sample(
                values[finite], clusters, None if slots is None else slots.take(np.flatnonzero(finite))
            )

    n = dimensions = 0
    for batch in read():
        n, dimensions = n + len(batch.values), batch.values.shape[1]
    return StreamedRows(n, dimensions, view.count() - n, read)


def _of_array(array: NDArray[Any]) -> Rows:
    """The rows of a memory-mapped array."""

    def read() -> Iterator[Sample]:
        for start in range(0, len(array), vectors.ROWS_AT_ONCE):
            values = np.array(array[start : start + vectors.ROWS_AT_ONCE], dtype=np.float64)
            release(array)
            yield Sample(values[np.isfinite(values).all(axis=1)])

    n = sum(len(batch.values) for batch in read())
    return StreamedRows(n, array.shape[1], len(array) - n, read)


def _clustered(view: View, cluster: Cluster | None) -> View:
    return view if cluster is None else view.where(view.is_value(cluster_of(view, cluster)))
