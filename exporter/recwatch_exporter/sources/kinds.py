"""What kind of values a column holds, whatever engine it lies in."""

from collections.abc import Callable
from enum import StrEnum

import ibis.expr.datatypes as dt

_LARGEST_WHOLE = 63  # bits of a signed integer that count towards its value


class Kind(StrEnum):
    """The kinds of columns that checks tell apart."""

    INTEGER = "integer"
    FLOATING = "floating"
    TEXT = "text"
    BOOLEAN = "boolean"
    TIME = "time"
    VECTOR = "vector"
    OTHER = "other"


NUMBERS = (Kind.INTEGER, Kind.FLOATING)
SQLITE = "sqlite"
"""The one engine whose columns may hold values of other types than theirs."""
SPARK = "pyspark"


def kind_of(dtype: dt.DataType) -> Kind:
    """The kind of an Ibis type. A decimal counts as floating: statistics are computed in float64."""
    found = (kind for kind, holds in _KINDS if holds(dtype))
    return next(found, Kind.OTHER)


def _is_vector(dtype: dt.DataType) -> bool:
    return dtype.is_array() and dtype.value_type.is_numeric() and not dtype.value_type.is_boolean()


_KINDS: tuple[tuple[Kind, Callable[[dt.DataType], bool]], ...] = (
    (Kind.BOOLEAN, lambda dtype: dtype.is_boolean()),  # counts as an integer too
    (Kind.INTEGER, lambda dtype: dtype.is_integer()),
    (Kind.FLOATING, lambda dtype: dtype.is_floating() or dtype.is_decimal()),
    (Kind.TEXT, lambda dtype: dtype.is_string()),
    (Kind.TIME, lambda dtype: dtype.is_timestamp() or dtype.is_date()),
    (Kind.VECTOR, _is_vector),
)


def fits_int64(dtype: dt.DataType) -> bool:
    """Whether every value of an integer type is an int64."""
    return not (dtype.is_unsigned_integer() and dtype.nbytes * 8 > _LARGEST_WHOLE)
