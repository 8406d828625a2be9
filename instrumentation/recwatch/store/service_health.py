"""A minute of requests, summed up as a row of `service_health`."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recwatch.store.tables import requests

__all__ = ["summarize_minute"]

_ONE, _ZERO = sa.literal(1.0, sa.Double), sa.literal(0.0, sa.Double)


def summarize_minute(connection: sa.Connection, start: datetime, end: datetime) -> dict[str, Any]:
    """Sum up the requests with start <= timestamp < end.

    The 95th percentile is the nearest rank's: the latency at place ceil(0.95 n) of the n latencies in
    ascending order, one that occurred. (Hyndman and Fan 1996, Sample Quantiles in Statistical Packages,
    definition 1; PostgreSQL's `percentile_disc`, numpy's `inverted_cdf`.) Python's SQLite has no percentile.

    The active model is that of the latest request. A minute without any has the model of the latest request
    before it, which is still in service as far as requests tell. Where several models share the database,
    the row sums all of them up and the active one is whichever answered last.

    Returns:
        Columns of `service_health` but its timestamp. Without requests all but their number and the active
        model are None.
    """
    inside = sa.and_(requests.c.timestamp >= start, requests.c.timestamp < end)
    window = (
        sa.select(
            requests.c.latency_ms,
            requests.c.fallback,
            requests.c.error,
            sa.func.row_number().over(order_by=requests.c.latency_ms.nulls_last()).label("place"),
        )
        .where(inside)
        .cte("window_of_requests")
    )
    timed = sa.select(sa.func.count(window.c.latency_ms)).scalar_subquery()
    # ceil(0.95 n) in whole numbers: 0.95 * 20 is more than 19 in floating point.
    at_p95 = window.c.place == (timed * 95 + 99) // 100
    query = sa.select(
        sa.func.count().label("requests_per_minute"),
        sa.func.avg(window.c.latency_ms).label("avg_latency_ms"),
        sa.func.max(sa.case((at_p95, window.c.latency_ms))).label("p95_latency_ms"),
        sa.func.avg(sa.case((window.c.fallback, _ONE), else_=_ZERO)).label("fallback_rate"),
        sa.func.avg(sa.case((window.c.error.is_not(None), _ONE), else_=_ZERO)).label("error_rate"),
    ).select_from(window)
    row = dict(connection.execute(query).mappings().one())
    return {**row, "active_model_id": connection.execute(_model_before(end)).scalar()}


def _model_before(end: datetime) -> sa.Select[tuple[str]]:
    columns = requests.c
    said = sa.select(columns.model_id).where(columns.timestamp < end, columns.model_id.is_not(None))
    return said.order_by(columns.timestamp.desc(), columns.id.desc()).limit(1)
