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

COLUMNS = (
    *("timestamp", "user_id", "topk", "exclude_seen", "filter_params", "latency_ms", "num_recommendations"),
    *("fallback", "fallback_method", "error", "model_id", "variant", "rerank_enabled"),
    *("content_score", "semantic_alignment", "diversity", "status", "request_id"),
)
"""The columns of a row, in its order; the database numbers the rows."""


def row_maker(user_ids: UserIds, *, times_as_text: bool) -> "Callable[[RecommenderRequest], Row]":
    """A function that turns the record of a request into a row of `COLUMNS`.

    Args:
        user_ids: what to keep of a user id.
        times_as_text: times as SQLite holds them (`2025-01-15 15:30:15.000000`), not as datetimes.

    Returns:
        The function. It raises `TypeError`, `ValueError` or `OverflowError` for a record that is no row.
    """

    def row_of(request: "RecommenderRequest") -> Row:
        at = datetime.fromtimestamp(request.timestamp, UTC).replace(tzinfo=None)
        version, items = request.version, request.items
        return (
            at.isoformat(" ", "microseconds") if times_as_text else at,
            _text(user_ids(request.user_id)),
            None if request.topk is None else int(request.topk),
            None if request.exclude_seen is None else bool(request.exclude_seen),
            None if request.filters is None else json.dumps(request.filters, default=str),
            request.seconds * 1000.0,
            None if items is None else len(items),
            request.fallback_method is not None,
            _text(request.fallback_method),
            _text(request.error),
            _text(request.model if version is None else f"{request.model}_{version}"),
            _text(request.variant),
            bool(request.was_reranked),
            _number(request.content_score),
            _number(request.semantic_alignment),
            _number(request.diversity),
            request.outcome,
            _text(request.request_id),
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


def _number(value: float | None) -> float | None:
    """A float, numpy's among them; NaN, which SQLite cannot hold, is NULL."""
    if value is None:
        return None
    number = float(value)
    return number if number == number else None  # noqa: PLR0124 - NaN alone differs from itself
