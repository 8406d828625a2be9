"""Distances of two distributions of numbers, by sorting where the numbers lie.

With F and G the empirical distribution functions: Kolmogorov-Smirnov is max |F - G|, Wasserstein-1 the
integral of |F - G| (Vallender, 1974), a sum over neighbouring values.
"""

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.sources import counting, vectors
from recwatch_exporter.sources.view import View


def find(reference: View, current: View, column: str) -> tuple[float, float]:
    """See `Window.distances`: one query where both windows lie on one engine, else two sorted streams."""
    tables, n = [], []
    for view in (reference, current):
        with view.errors():
            tables.append(counting.numbers_of(view, column))
            n.append(view.count(tables[-1]))
    if 0 in n:
        return np.nan, np.nan
    if reference.engine is current.engine:
        found = current.fetch(expression(tables[0], tables[1], n[0], n[1])).to_pylist()[0]
        return float(found["ks"]), float(found["wasserstein"])
    streams = [
        view.stream(sorted_counts(table), vectors.ROWS_AT_ONCE)
        for view, table in zip((reference, current), tables, strict=True)
    ]
    return merge(streams[0], streams[1], n[0], n[1])


def expression(reference: ir.Table, current: ir.Table, n_reference: int, n_current: int) -> ir.Table:
    """One row: `ks` and `wasserstein`. One sort of both columns `x` together, nothing else comes back."""
    both = ibis.union(
        reference.select(x=reference.x, one=ibis.literal(1, "int8")),
        current.select(x=current.x, one=ibis.literal(0, "int8")),
        distinct=False,
    )
    until = ibis.window(order_by=both.x, following=0)
    summed = both.mutate(
        before=both.one.cast("int64").sum().over(until),
        rows=both.count().over(until),
        after=both.x.lead().over(ibis.window(order_by=both.x)),
    )
    apart = (
        summed.before.cast("float64") / float(n_reference)
        - (summed.rows - summed.before).cast("float64") / float(n_current)
    ).abs()
    last = summed.after.isnull() | (summed.after > summed.x)  # of equal values the last knows all of them
    return summed.aggregate(
        ks=apart.max(where=last),
        wasserstein=(apart * (summed.after - summed.x))
        .sum(where=last & summed.after.notnull())
        .coalesce(0.0),
    )


def sorted_counts(table: ir.Table) -> ir.Table:
    """How often each `x` occurs, ascending: for windows on two engines."""
    return table.group_by("x").aggregate(n=table.count()).order_by("x")


def merge(
    reference: Iterator[pa.RecordBatch], current: Iterator[pa.RecordBatch], n_reference: int, n_current: int
) -> tuple[float, float]:
    """Both distances from ascending values and their counts, a batch of each side in memory.

    Args:
        reference: columns `x` and `n`.
        current: likewise.
        n_reference: rows of the reference.
        n_current: rows of the current window.
    """
    streams = (reference, current)
    totals = (n_reference, n_current)
    held = [_next(stream) for stream in streams]
    done = [0, 0]
    ks = wasserstein = apart = 0.0
    last = None
    while any(side is not None for side in held):
        limit = min(float(side[0][-1]) for side in held if side is not None)
        steps = []
        for number, side in enumerate(held):
            if side is None:
                continue
            values, counts = side
            taken = int(np.searchsorted(values, limit, side="right"))
            steps.append((values[:taken], counts[:taken], number))
            rest = (values[taken:], counts[taken:])
            held[number] = rest if len(rest[0]) else _next(streams[number])
        values = np.unique(np.concatenate([step[0] for step in steps]))
        shares = []
        for number in (0, 1):
            counts = np.zeros(len(values))
            for step_values, step_counts, which in steps:
                if which == number:
                    counts[np.searchsorted(values, step_values)] += step_counts
            until = done[number] + np.cumsum(counts)
            done[number] = int(until[-1])
            shares.append(until / totals[number])
        gaps = np.abs(shares[0] - shares[1])
        if last is not None:
            wasserstein += apart * float(values[0] - last)
        wasserstein += float(np.sum(gaps[:-1] * np.diff(values)))
        ks, apart, last = max(ks, float(gaps.max())), float(gaps[-1]), float(values[-1])
    return ks, wasserstein


def _next(stream: Iterator[pa.RecordBatch]) -> tuple[FloatArray, FloatArray] | None:
    for batch in stream:
        if batch.num_rows:
            return (
                batch.column("x").to_numpy(zero_copy_only=False).astype(np.float64),
                batch.column("n").to_numpy(zero_copy_only=False).astype(np.float64),
            )
    return None
