"""An hour of requests, reranked ones beside the others, as a row of `reranking_metrics`."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recwatch.store.tables import requests

__all__ = ["summarize_hour"]


def summarize_hour(connection: sa.Connection, start: datetime, end: datetime) -> dict[str, Any]:
    """Sum up the requests with start <= timestamp < end.

    Returns:
        Columns of `reranking_metrics` but its timestamp. An average over no request is None; so is the
        overhead where either side has no latency or the side without reranking took no time.
    """
    columns = requests.c
    reranked, plain = columns.rerank_enabled.is_(True), columns.rerank_enabled.is_(False)
    query = sa.select(
        sa.func.count().filter(reranked).label("requests_with_rerank"),
        sa.func.count().filter(plain).label("requests_without_rerank"),
        sa.func.avg(columns.latency_ms).filter(reranked).label("avg_latency_rerank_ms"),
        sa.func.avg(columns.latency_ms).filter(plain).label("avg_latency_cf_only_ms"),
        sa.func.avg(columns.content_score).filter(reranked).label("avg_content_score"),
        sa.func.avg(columns.semantic_alignment).filter(reranked).label("avg_semantic_alignment"),
        sa.func.avg(columns.diversity).filter(reranked).label("avg_diversity_rerank"),
        sa.func.avg(columns.diversity).filter(plain).label("avg_diversity_cf_only"),
    ).where(columns.timestamp >= start, columns.timestamp < end)
    row = dict(connection.execute(query).mappings().one())
    with_rerank, without = row["avg_latency_rerank_ms"], row["avg_latency_cf_only_ms"]
    comparable = with_rerank is not None and without is not None and without > 0
    return {**row, "latency_overhead_pct": 100.0 * (with_rerank / without - 1.0) if comparable else None}
