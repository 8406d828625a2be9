"""An hour summed up; `test_aggregates.py` holds it against pandas."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recwatch.store import Store
from recwatch.store.reranking import summarize_hour

AddRequests = Callable[..., None]
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def summarize(store: Store) -> dict[str, Any]:
    with store.transaction() as connection:
        return summarize_hour(connection, START, START + timedelta(hours=1))


def request(latency: float, *, reranked: bool, **values: float) -> dict[str, Any]:
    return {"timestamp": START, "latency_ms": latency, "rerank_enabled": reranked, **values}


def test_reranked_requests_stand_beside_the_others(store: Store, add_requests: AddRequests) -> None:
    on = {"content_score": 0.5, "semantic_alignment": -0.5}
    add_requests(
        store,
        request(30.0, reranked=True, diversity=0.5, **on),
        request(20.0, reranked=False, diversity=0.25),
        request(20.0, reranked=False, diversity=0.75, content_score=-1.0),
    )
    assert summarize(store) == {
        "requests_with_rerank": 1,
        "requests_without_rerank": 2,
        "avg_latency_rerank_ms": 30.0,
        "avg_latency_cf_only_ms": 20.0,
        "latency_overhead_pct": pytest.approx(50.0),
        "avg_content_score": 0.5,
        "avg_semantic_alignment": -0.5,
        "avg_diversity_rerank": 0.5,
        "avg_diversity_cf_only": 0.5,
    }


@pytest.mark.parametrize("plain", [[], [0.0]])
def test_no_overhead_is_told_where_there_is_nothing_to_divide_by(
    store: Store, add_requests: AddRequests, plain: list[float]
) -> None:
    add_requests(store, request(30.0, reranked=True), *(request(value, reranked=False) for value in plain))
    assert summarize(store)["latency_overhead_pct"] is None


def test_averages_over_no_requests_are_missing(store: Store) -> None:
    row = summarize(store)
    assert (row.pop("requests_with_rerank"), row.pop("requests_without_rerank")) == (0, 0)
    assert set(row.values()) == {None}
