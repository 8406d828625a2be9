"""Requests summed up: `service_health` by the minute, `reranking_metrics` by the hour.

`RequestLog` does it by itself; from cron, or over a database that another program writes, call `aggregate`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from recwatch.store.reranking import summarize_hour
from recwatch.store.service_health import summarize_minute
from recwatch.store.store import Store
from recwatch.store.tables import requests, reranking_metrics, service_health

__all__ = ["HOURS", "MINUTES", "Span", "aggregate", "make_rows", "resume"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """One kind of row: a table, the time that a row spans, and how a row is made.

    Attributes:
        table: has the start of its span as the column `timestamp`.
        width: of a span; spans begin at whole multiples of it since 1970, in UTC.
        summarize: from a connection, start and end to the other columns.
        again: how many of the newest rows are made anew each time, for requests that were written late.
        back: how far rows are made up for after a pause.
        counts: columns that count requests.
    """

    table: sa.Table
    width: timedelta
    summarize: Callable[[sa.Connection, datetime, datetime], dict[str, Any]]
    again: int
    back: timedelta
    counts: tuple[str, ...]

    def floor(self, at: datetime) -> datetime:
        """The start of the span that a time lies in."""
        return _EPOCH + (at - _EPOCH) // self.width * self.width


MINUTES = Span(
    service_health,
    timedelta(minutes=1),
    summarize_minute,
    again=3,
    back=timedelta(days=1),
    counts=("requests_per_minute",),
)
HOURS = Span(
    reranking_metrics,
    timedelta(hours=1),
    summarize_hour,
    again=1,
    back=timedelta(days=7),
    counts=("requests_with_rerank", "requests_without_rerank"),
)


def aggregate(store: Store, until: datetime) -> None:
    """Bring `service_health` and `reranking_metrics` up to a time; running it again changes nothing.

    Rows are made for spans that are over, from where the tables end (an empty table: from the first request),
    one day of minutes and seven days of hours back at most. A span without requests gets a row as well.
    The newest rows, three minutes and one hour, are made anew, for requests that were written late.

    Args:
        store: has the requests.
        until: aware; spans that end later are left for the next time.

    Raises:
        StoreError: when the database fails; what was made until then stays.
    """
    for span in (MINUTES, HOURS):
        start = resume(store, span, until)
        while start is not None and start < span.floor(until):
            start = make_rows(store, span, start, until)


def resume(store: Store, span: Span, until: datetime) -> datetime | None:
    """Where the next rows of one kind begin: the newest ones are made anew. None before the first request.

    Args:
        store: has the requests.
        span: the kind.
        until: aware; later rows, which a clock made that ran ahead, are not taken for the table's end.

    Raises:
        StoreError: when the database fails.
    """
    at = span.table.c.timestamp
    query = sa.select(
        sa.select(sa.func.max(at)).where(at < span.floor(until)).scalar_subquery(),
        sa.func.min(at),
        sa.select(sa.func.min(requests.c.timestamp)).scalar_subquery(),
    )
    with store.transaction() as connection:
        newest, oldest, first_request = connection.execute(query).one()
    first = [span.floor(time) for time in (oldest, first_request) if time is not None]
    if newest is None:
        return min(first, default=None)
    again: datetime = newest + span.width - span.again * span.width
    return max(again, min(first))


def make_rows(store: Store, span: Span, start: datetime, until: datetime, *, most: int = 60) -> datetime:
    """Make rows of one kind, or make them anew: a bounded piece of work.

    Args:
        store: has the requests.
        span: the kind.
        start: of the first row; what lies further back than `span.back` is left out.
        until: aware; spans that end later are left for the next time.
        most: rows at most.

    Returns:
        The end of the last row.

    Raises:
        StoreError: when the database fails.
    """
    end = span.floor(until)
    start = max(start, span.floor(until - span.back))
    for _ in range(most):
        if start >= end:
            break
        with store.transaction() as connection:
            values = span.summarize(connection, start, start + span.width)
            connection.execute(_upsert(connection, span, {"timestamp": start, **values}))
        start += span.width
    return start


def _upsert(connection: sa.Connection, span: Span, row: dict[str, Any]) -> sa.Insert:
    """Write a row unless the one there has seen more requests.

    So two workers that sum up one minute at once, the slower one from an older view, leave the better row,
    and requests that retention has deleted since do not take a row's numbers away.
    """
    # Imported here: PostgreSQL's module loads all of its drivers, for which a trainer should not wait.
    dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
    insert = dialect.insert(span.table).values(**row)
    new = insert.excluded
    seen_before = sum((sa.func.coalesce(span.table.c[name], 0) for name in span.counts), sa.literal(0))
    seen_now = sum((new[name] for name in span.counts), sa.literal(0))
    upsert: sa.Insert = insert.on_conflict_do_update(
        index_elements=["timestamp"],
        set_={name: new[name] for name in row if name != "timestamp"},
        where=seen_before <= seen_now,
    )
    return upsert
