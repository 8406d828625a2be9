"""Ibis expressions over columns of times, with a form of their own for SQLite, which has no such type.

A time without a zone is UTC; a date is its midnight.
"""

from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.kinds import NUMBERS, SPARK, SQLITE, Kind, kind_of
from recwatch_exporter.sources.spans import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLION = 1_000_000


@ibis.udf.scalar.builtin(signature=((dt.string,), dt.int64))
def recwatch_microseconds(value):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, D103 - the signature is above
    raise NotImplementedError  # `sources.sqlite` gives it to SQLite


@ibis.udf.scalar.builtin(signature=((dt.Timestamp(timezone="UTC"),), dt.int64))
def unix_micros(value):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, D103 - the signature is above
    raise NotImplementedError  # Spark has it, and no way to ask for the microseconds of a second


def time(column: ir.Value) -> ir.Value:
    """A time; raises `SourceError` for anything else."""
    kind = kind_of(column.type())
    if kind is not Kind.TIME:
        name = column.get_name()
        advice = "write it as timestamps"
        if kind in NUMBERS:
            made = f"SELECT *, to_timestamp({name}) AS time"
            advice += f"; where it counts seconds since 1970, give query: {made} FROM ... and timestamp: time"
        raise SourceError(f"column {name} is {kind}, not a time: {advice}")
    return column.cast("timestamp") if column.type().is_date() else column


def newest(column: ir.Value, engine: str) -> ir.Value:
    """The greatest time: a timestamp, or microseconds since 1970."""
    return _microseconds(column).max() if engine == SQLITE else time(column).max()


def oldest(column: ir.Value, engine: str) -> ir.Value:
    """The least time, likewise."""
    return _microseconds(column).min() if engine == SQLITE else time(column).min()


def block(column: ir.Value, length: timedelta, engine: str) -> ir.Value:
    """The number of the stretch of time, counted from 1970, in which a time lies."""
    if engine == SQLITE:
        seconds = (_microseconds(column) / _MILLION).floor()
    else:
        seconds = time(column).truncate("s").epoch_seconds()
    return (seconds.cast("float64") / length.total_seconds()).floor().cast("int64")


def age(column: ir.Value, end: datetime, period: timedelta, engine: str) -> ir.Value:
    """How many whole periods before `end` a time is; negative after it."""
    if engine == SQLITE:
        moment = _microseconds(column)
    elif engine == SPARK:
        moment = unix_micros(time(column).cast("timestamp('UTC')"))
    else:
        plain = time(column)
        whole = plain.truncate("s").epoch_seconds().cast("int64") * _MILLION
        moment = whole + plain.microsecond().cast("int64")
    before = ibis.literal((end - _EPOCH) // _MICROSECOND, "int64") - moment
    return (before.cast("float64") / (period / _MICROSECOND)).floor().cast("int64")


def within(column: ir.Value, span: Span, engine: str) -> list[ir.BooleanValue]:
    """The conditions that a time lies in a span."""
    moment = _microseconds(column) if engine == SQLITE else time(column)
    found = []
    for limit, above in ((span.after, True), (span.until, False)):
        if limit is not None:
            literal = _literal(limit, moment.type())
            found.append(moment > literal if above else moment <= literal)
    return found


def _microseconds(column: ir.Value) -> ir.Value:
    if kind_of(column.type()) is not Kind.TIME:
        time(column)  # says what is wrong
    return recwatch_microseconds(column.cast("string"))


def _literal(limit: datetime, kind: dt.DataType) -> ir.Value:
    if kind.is_integer():
        return ibis.literal((limit - _EPOCH) // _MICROSECOND, "int64")
    if kind.timezone:
        return ibis.literal(limit, "timestamp('UTC')")
    return ibis.literal(limit.astimezone(UTC).replace(tzinfo=None), "timestamp")
