"""Rows of the table `requests`, made of the records of requests as fast as Python allows: pure functions."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from recwatch.user_ids import UserIds

if TYPE_CHECKING:
    from collections.abc import Callable

    from recwatch.serving import RecommenderRequest

__all__ = ["COLUMNS", "Row", "row_maker"]

Row = tuple[Any, ...]

_INTEGERS = 2**31  # INTEGER of PostgreSQL has 4 bytes

COLUMNS = (
    *("timestamp", "user_id", "topk", "exclude_seen", "filter_params", "latency_ms", "num_recommendations"),
    *("fallback", "fallback_method", "error", "model_id", "variant", "rerank_enabled"),
    *("content_score", "semantic_alignment", "diversity", "status", "request_id"),
)
"""The columns of a row, in its order; the database numbers the rows."""


def row_maker(
    user_ids: UserIds, *, times_as_text: bool, on_odd: "Callable[[str, Exception], None]"
) -> "Callable[[RecommenderRequest], Row]":
    """A function that turns the record of a request into a row of `COLUMNS`.

    Args:
        user_ids: what to keep of a user id.
        times_as_text: times as SQLite holds them (`2025-01-15 15:30:15.000000`), not as datetimes.
        on_odd: called with a column and why it cannot hold what the service gave, such as a `topk` of
            `"all"`; the column is NULL then.

    Returns:
        The function. It raises `TypeError`, `ValueError` or `OverflowError` for a record that is no row.
    """

    def kept(column: str, convert: "Callable[[Any], Any]", value: object) -> Any:
        """What a column holds of an argument of the service's."""
        if value is None:
            return None
        try:
            return convert(value)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not cost the rest of the row
            on_odd(column, error)
            return None

    def user(user_id: Any) -> str | None:
        return _text(user_ids(user_id))

    def row_of(request: "RecommenderRequest") -> Row:
        at = datetime.fromtimestamp(request.timestamp, UTC).replace(tzinfo=None)
        version, items = request.version, request.items
        return (
            at.isoformat(" ", "microseconds") if times_as_text else at,
            kept("user_id", user, request.user_id),
            kept("topk", _integer, request.topk),
            kept("exclude_seen", bool, request.exclude_seen),
            kept("filter_params", _json, request.filters),
            request.seconds * 1000.0,
            None if items is None else len(items),
            request.fallback_method is not None,
            kept("fallback_method", _text, request.fallback_method),
            _text(request.error),
            _text(request.model if version is None else f"{request.model}_{version}"),
            _text(request.variant),
            bool(request.was_reranked),
            kept("content_score", _number, request.content_score),
            kept("semantic_alignment", _number, request.semantic_alignment),
            kept("diversity", _number, request.diversity),
            request.outcome,
            kept("request_id", _text, request.request_id),
        )

    return row_of


def _text(value: object) -> str | None:
    """What every database takes: PostgreSQL refuses NUL, SQLite lone surrogates."""
    if value is None:
        return None
    text = str(value)
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _integer(value: Any) -> int:
    number = int(value)
    if not -_INTEGERS <= number < _INTEGERS:
        raise OverflowError("more than an INTEGER column holds")
    return number


def _json(value: object) -> str:
    return json.dumps(value, default=str, allow_nan=False)


def _number(value: float) -> float | None:
    """A float, numpy's among them; NaN, which SQLite cannot hold, is NULL."""
    number = float(value)
    return number if number == number else None  # noqa: PLR0124 - NaN alone differs from itself
