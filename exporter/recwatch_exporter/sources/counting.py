"""Counts, quantiles and moments of a column, aggregated where the data lies."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Cluster, Moments, SideCounts, Slots, Slotted
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources import expressions, times
from recwatch_exporter.sources.duck import DuckEngine
from recwatch_exporter.sources.kinds import NUMBERS, Kind
from recwatch_exporter.sources.vectors import to_numpy
from recwatch_exporter.sources.view import View

_PROBE = 10_000
_FEW_EDGES = 64
_SMALL = 2.0**-64  # a sum of so small parts does not overflow
_LEAST_EXPONENT = -1000  # of a unit by which numbers can be divided


def count_values(
    view: View, column: str, cluster: Cluster | None, *, numeric: bool, limit: int | None
) -> SideCounts | None:
    """See `Window.count_values`."""
    if numeric:
        view = with_numbers(view, column)
    valued = view.where(view.is_value(view.column(column)))
    value = expressions.counted(valued.column(column), numeric=numeric)
    if limit is not None:
        # Continuous columns show at once, so that counting all of their values is spared.
        first = valued.table.select(value=value).limit(limit + _PROBE)
        if int(view.aggregate(first, n=first.value.nunique())["n"]) > limit:
            return None
    most = None if limit is None or cluster is not None else limit + 1
    counts = _counts(valued, value, cluster, most)
    if limit is not None and len(np.unique(counts.values)) > limit:
        return None
    return counts


def count_cells(view: View, column: str, edges: FloatArray, cluster: Cluster | None) -> SideCounts:
    """See `Window.count_cells`."""
    view = with_numbers(view, column)
    valued = view.where(view.is_value(view.column(column)))
    value = expressions.number(valued.column(column))
    if isinstance(view.engine, DuckEngine) and len(edges) > _FEW_EDGES:
        selected = _selected(valued, value, cluster)
        return _grouped(valued, _looked_up(view.engine, selected, edges), None, cluster)
    return _counts(valued, expressions.cell(value, edges), cluster, None)


def _looked_up(engine: DuckEngine, values: ir.Table, edges: FloatArray) -> ir.Table:
    """Cells by a join with the nearest edge below: DuckDB works on whole columns, where each branch costs."""
    distinct = np.unique(edges)
    cells = np.searchsorted(edges, distinct, side="right")
    table = engine.register(pa.table({"edge": distinct, "cell": cells}))
    joined = values.asof_join(table, values.value >= table.edge)
    return joined.mutate(value=joined.cell.coalesce(0)).drop("edge", "cell")


def count_missing(view: View, column: str, cluster: Cluster | None) -> SideCounts:
    """See `Window.count_missing`."""
    field = view.column(column)
    state = ibis.ifelse(view.is_value(field), 0, ibis.ifelse(field.isnull(), 1, 2))
    return _counts(view, state.cast("int64"), cluster, None)


def count_ages(view: View, column: str, end: datetime, period: timedelta) -> SideCounts:
    """See `Window.count_ages`."""
    valued = view.where(view.column(column).notnull())
    return _counts(valued, times.age(valued.column(column), end, period, view.engine.name), None, None)


def no_counts(cluster: Cluster | None) -> SideCounts:
    """Counts of no rows."""
    empty = np.empty(0)
    none = empty.astype(np.int64)
    slots = None if cluster is None or cluster.slots is None else Slotted(none, cluster.slots.number)
    return SideCounts(empty, none, None if cluster is None else empty, slots)


def slotted(cluster: Cluster | None, rows: pa.Table | pa.RecordBatch) -> Slotted | None:
    """The slots of rows that have a column `slot`, if they were asked for."""
    if cluster is None or cluster.slots is None:
        return None
    return Slotted(to_numpy(rows.column("slot")).astype(np.int16), cluster.slots.number)


def cluster_of(view: View, cluster: Cluster) -> ir.Value:
    """What says which rows belong together."""
    field = view.column(cluster.column)
    if cluster.block is not None:
        return times.block(field, cluster.block, view.engine.name)
    return expressions.counted(field, numeric=False)


def numbers_of(view: View, column: str) -> ir.Table:
    """The finite values of a column as the column `x`, float64."""
    view = with_numbers(view, column)
    valued = view.where(view.is_value(view.column(column)))
    return valued.table.select(x=expressions.number(valued.column(column)))


def quantiles(view: View, column: str, probabilities: FloatArray) -> FloatArray:
    """See `Window.quantiles`."""
    valued = numbers_of(view, column)
    n = view.count(valued)
    if n == 0:
        return np.full(len(probabilities), np.nan)
    ranks = [rank_of(float(probability), n) for probability in probabilities]
    numbered = valued.mutate(rank=ibis.row_number().over(order_by=valued.x) + 1)
    found = view.fetch(numbered.filter(numbered["rank"].isin(sorted(set(ranks)))).select("rank", "x"))
    by_rank = dict(zip(found.column("rank").to_pylist(), found.column("x").to_pylist(), strict=True))
    return np.asarray([by_rank[rank] for rank in ranks], dtype=np.float64)


def moments(view: View, column: str) -> Moments:
    """See `Window.moments`.

    In two passes, the second about the mean that the first found: an engine's own sums and variances lose
    what is small beside the mean. Both are taken in a unit, a power of two, in which nothing overflows.
    """
    valued = numbers_of(view, column)
    x = valued.x
    rough = (x * expressions.exactly(_SMALL)).mean()
    found = view.aggregate(valued, n=valued.count(), low=x.min(), high=x.max(), mean=rough)
    if not found["n"]:
        return Moments(0, np.nan, np.nan)
    n, low, high = int(found["n"]), float(found["low"]), float(found["high"])
    centre = min(max(float(found["mean"]) / _SMALL, low), high)
    if low == high:
        return Moments(n, low, 0.0)
    exponent = int(np.frexp(max(high / 2 - centre / 2, centre / 2 - low / 2))[1])
    unit = 2.0 ** max(exponent - 1, _LEAST_EXPONENT)
    half, middle = expressions.exactly(0.5 / unit), expressions.exactly(centre / 2 / unit)
    away = valued.select(x=valued.x * half - middle)
    mean = _exact_mean if view.engine.name == DuckEngine.name else ir.FloatingColumn.mean
    found = view.aggregate(away, mean=mean(away.x), square=mean(away.x * away.x))
    shift, square = float(found["mean"]), float(found["square"])
    std = float(np.sqrt(max(0.0, square - shift**2)))
    with np.errstate(over="ignore"):
        return Moments(n, float(centre + np.float64(shift) * 2 * unit), float(np.float64(std) * 2 * unit))


def _exact_mean(column: ir.Value) -> ir.Value:
    """DuckDB's mean by compensated sums (Kahan), which threads do not change; its `avg` is a plain one."""
    favg = ibis.udf.agg.builtin(name="favg", signature=(("float64",), "float64"))(_favg)
    found: ir.Value = favg(column)
    return found


def _favg(x: float) -> float:
    """DuckDB's own."""
    raise NotImplementedError(x)


def most_frequent(view: View, column: str, size: int) -> tuple[str, ...]:
    """See `Window.most_frequent`."""
    valued = view.where(view.is_value(view.column(column)))
    chosen = valued.table.select(value=expressions.segmented(valued.column(column)))
    groups = chosen.group_by("value").aggregate(n=chosen.count())
    top = groups.order_by([ibis.desc("n"), "value"]).limit(size)
    values = view.fetch(top).column("value").to_pylist()
    # SQLite's columns may hold 1 and '1', which are one segment.
    return tuple(dict.fromkeys(expressions.as_text(value) for value in values))


def with_numbers(view: View, column: str) -> View:
    """The view, a column of it being one of numbers.

    One without a value has no type in a CSV file or a DataFrame, so it is taken for numbers, all missing.

    Raises:
        SourceError: when it holds something else; of texts it is said which are no numbers.
    """
    kind, field = view.kind(column), view.column(column)
    if kind not in NUMBERS and isinstance(view.engine, DuckEngine):
        if _is_empty(view, column):
            return replace(view, table=view.table.mutate(**{column: ibis.null("float64")}), arrays=None)
        if kind is Kind.TEXT:
            raise _is_text(view, column)
    expressions.number(field)  # says what is wrong
    return view


def with_times(view: View, columns: Iterable[str]) -> View:
    """The view, columns of it without a value being some of times: a CSV file without rows has no types."""
    for column in columns:
        known = column not in view.table.columns or view.kind(column) not in (Kind.TEXT, Kind.OTHER)
        if not known and isinstance(view.engine, DuckEngine) and _is_empty(view, column):
            table = view.table.mutate(**{column: ibis.null("timestamp")})
            view = replace(view, table=table, arrays=None)
    return view


def _is_empty(view: View, column: str) -> bool:
    return not view.aggregate(view.table, n=view.column(column).count())["n"]


def _is_text(view: View, column: str) -> SourceError:
    """What of a column of texts is no number: one `n/a` makes texts of all numbers of a CSV file."""
    valued = view.where(view.column(column).notnull())
    text = valued.column(column)
    wrong = ibis.ifelse(text.try_cast("float64").isnull(), text, ibis.null("string"))
    found = view.aggregate(valued.table, n=text.count(), wrong=wrong.count(), first=wrong.min())
    said = f"column {column} is text, not a number"
    if not found["wrong"]:
        return SourceError(f"{said}: its numbers are written as texts: write them as numbers, or choose psi")
    cast = f"SELECT * REPLACE (try_cast({column} AS DOUBLE) AS {column})"
    return SourceError(
        f"{said}: {found['wrong']} of {found['n']} values are none, such as {found['first']!r:.40}: "
        f"leave them empty, or give query: {cast} FROM ..., or choose psi, which takes texts"
    )


def rank_of(probability: float, n: int) -> int:
    """The least whole k, 1 to n, with k / n at or above the probability."""
    rank = min(n, max(1, int(np.ceil(probability * n))))
    while rank > 1 and (rank - 1) / n >= probability:
        rank -= 1
    while rank < n and rank / n < probability:
        rank += 1
    return rank


def _counts(view: View, value: ir.Value, cluster: Cluster | None, limit: int | None) -> SideCounts:
    return _grouped(view, _selected(view, value, cluster), limit, cluster)


def _selected(view: View, value: ir.Value, cluster: Cluster | None) -> ir.Table:
    """The columns `value` and, where there is one, `cluster`, which then is never missing, and its `slot`."""
    if cluster is None:
        return view.table.select(value=value)
    columns = {"value": value, "cluster": cluster_of(view, cluster)}
    if cluster.slots is not None:
        columns["slot"] = slot_of(view, cluster.slots)
    chosen = view.table.select(**columns)
    return chosen.filter(view.is_value(chosen.cluster))


def slot_of(view: View, slots: Slots) -> ir.Value:
    """In which slot a row's time is; `slots.number` where in none."""
    age = times.age(view.column(slots.column), slots.end, slots.length, view.engine.name)
    limit = ibis.literal(slots.number, "int64")
    return ibis.ifelse(age < 0, 0, ibis.ifelse(age < limit, age, limit)).coalesce(limit).cast("int64")


def _grouped(view: View, chosen: ir.Table, limit: int | None, cluster: Cluster | None) -> SideCounts:
    groups = chosen.group_by(list(chosen.columns)).aggregate(n=chosen.count())
    found = view.fetch(groups if limit is None else groups.limit(limit))
    return SideCounts(
        to_numpy(found.column("value")),
        to_numpy(found.column("n")).astype(np.int64),
        to_numpy(found.column("cluster")) if cluster is not None else None,
        slotted(cluster, found),
    )
