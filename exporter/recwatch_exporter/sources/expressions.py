"""Ibis expressions over the columns of a table: each is written once and runs on every engine.

Names and values never become part of a text: Ibis quotes both.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.kinds import NUMBERS, SQLITE, Kind, fits_int64, kind_of

Scalar = bool | int | float | str
_LARGEST = float(np.finfo(np.float64).max)


def is_value(column: ir.Value, engine: str) -> ir.BooleanValue:
    """Whether there is a value: not missing, not NaN and not infinite.

    What is not finite is not 0 when it is taken from itself. Neither a range nor `isnan` would do: DuckDB 2.0
    takes both for decided where the statistics of a Parquet file say so, and those leave NaN out, so that
    `NOT isnan(x)` lets NaN through. SQLite has no NaN; but a column of numbers may hold texts there.
    """
    if engine == SQLITE and kind_of(column.type()) in NUMBERS:
        is_number = column.typeof().isin(["integer", "real"])
        return is_number & column.between(-_LARGEST, _LARGEST)
    if column.type().is_floating():
        return column.notnull() & (column - column == 0)
    if column.type().is_decimal():
        return is_value(column.cast("float64"), engine)  # PostgreSQL's may be NaN
    return column.notnull()


def number(column: ir.Value) -> ir.Value:
    """A number as float64; raises `SourceError` for anything else."""
    kind = kind_of(column.type())
    if kind not in NUMBERS:
        raise SourceError(f"column {column.get_name()} is {kind}, not a number: name a column of numbers")
    return column if column.type().is_float64() else column.cast("float64")


def counted(column: ir.Value, *, numeric: bool) -> ir.Value:
    """What a value is counted as: a number where it is one, else a text; not a value stays none."""
    kind, dtype = kind_of(column.type()), column.type()
    if kind is Kind.INTEGER:
        # An amount may be rounded; an id must not, or it is another one's.
        return column.cast("float64") if numeric and not fits_int64(dtype) else column
    if kind is Kind.FLOATING:
        return column.cast("float64") if dtype.is_decimal() else column
    if numeric:
        raise SourceError(f"column {column.get_name()} is {kind}, not a number: psi takes any type")
    return text(column)


def text(column: ir.Value) -> ir.Value:
    """A value as text."""
    kind = kind_of(column.type())
    if kind is Kind.BOOLEAN:
        return ibis.cases((column, "true"), (~column, "false"))  # engines write truth in ways of their own
    return column if kind is Kind.TEXT else column.cast("string")


def equals(column: ir.Value, value: Scalar) -> ir.BooleanValue:
    """Whether a column has a value; raises `SourceError` where it can never have one of that type."""
    kind = kind_of(column.type())
    wanted = Kind.BOOLEAN if isinstance(value, bool) else Kind.TEXT if isinstance(value, str) else None
    if (wanted is None and kind in NUMBERS) or wanted is kind:
        return column == value
    if wanted is Kind.TEXT and kind not in (Kind.BOOLEAN, *NUMBERS):
        return text(column) == value
    raise SourceError(f"column {column.get_name()} is {kind}: it is never {value!r}, correct filter")


def is_text(column: ir.Value, value: str) -> ir.BooleanValue:
    """Whether a column's value, as `as_text` writes it, is that text."""
    kind = kind_of(column.type())
    try:
        if kind is Kind.INTEGER:
            return column == _whole(value)
        if kind is Kind.FLOATING:
            return column.cast("float64") == exactly(float(value))
    except ValueError:
        return ibis.literal(value=False)
    return text(column) == value


def _whole(value: str) -> int:
    """A whole number, also as the other window writes it where that holds decimals: 3.0."""
    try:
        return int(value)
    except ValueError:
        number = float(value)
        if not number.is_integer():
            raise
        return int(number)


def segmented(column: ir.Value) -> ir.Value:
    """What the values of a segment are grouped by: numbers as they are, all else as text."""
    if kind_of(column.type()) is Kind.INTEGER:
        return column
    return column.cast("float64") if kind_of(column.type()) is Kind.FLOATING else text(column)


def as_text(value: float | str) -> str:
    """A segment's value as its label, the same from every engine."""
    return value if isinstance(value, str) else repr(value)


def cell(column: ir.Value, edges: FloatArray) -> ir.Value:
    """How many edges are at or below a number: `np.searchsorted(edges, x, side="right")`.

    A tree of comparisons, so that a row costs as many as the logarithm of the number of edges.

    Args:
        column: float64.
        edges: ascending, none NaN.
    """
    below = int(np.sum(np.isneginf(edges)))  # engines write an infinity in ways of their own
    return _tree(column, [exactly(edge) for edge in edges[np.isfinite(edges)]], below)


def _tree(column: ir.Value, edges: Sequence[ir.Value], first: int) -> ir.Value:
    if not edges:
        return ibis.literal(first, "int32")
    middle = len(edges) // 2
    low, high = edges[:middle], edges[middle + 1 :]
    return ibis.ifelse(
        column < edges[middle], _tree(column, low, first), _tree(column, high, first + middle + 1)
    )


def exactly(value: float) -> ir.Value:
    """A float64, to the last bit: engines read `0.1` as a decimal and round it once more."""
    return ibis.literal(repr(float(value))).cast("float64")
