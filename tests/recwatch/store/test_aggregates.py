"""The aggregates, each against a slow and obvious model in pandas, on SQLite and PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch.store import Store, aggregate, open_store, requests, reranking_metrics, service_health
from recwatch.store.aggregates import HOURS, MINUTES, make_rows, resume

AddRequests = Callable[..., None]
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Rows = list[dict[str, Any]]


def read(store: Store, table: sa.Table) -> Rows:
    with store.transaction() as connection:
        found = connection.execute(sa.select(table).order_by(table.c.timestamp)).mappings()
        return [dict(row) for row in found]


def delete_all(store: Store) -> None:
    with store.transaction() as connection:
        for table in (requests, service_health, reranking_metrics):
            connection.execute(sa.delete(table))


def mean(values: "pd.Series[float]") -> float | None:
    return None if values.dropna().empty else float(values.mean())


def expected_health(rows: Rows, minutes: int) -> Rows:
    frame = pd.DataFrame(rows)
    health = []
    for number in range(minutes):
        start = START + number * MINUTE
        part = frame[(frame.timestamp >= start) & (frame.timestamp < start + MINUTE)]
        before = frame[frame.timestamp < start + MINUTE].sort_values("timestamp", kind="stable")
        latencies = part.latency_ms.to_numpy(dtype=float)
        some = len(part) > 0
        p95 = float(np.percentile(latencies, 95, method="inverted_cdf")) if some else None
        health.append(
            {
                "timestamp": start,
                "requests_per_minute": float(len(part)),
                "avg_latency_ms": pytest.approx(float(latencies.mean())) if some else None,
                "p95_latency_ms": p95,
                "fallback_rate": pytest.approx(float(part.fallback.mean())) if some else None,
                "error_rate": pytest.approx(float(part.error.notna().mean())) if some else None,
                "active_model_id": before.model_id.iloc[-1] if len(before) else None,
            }
        )
    return health


def expected_reranking(rows: Rows) -> dict[str, Any]:
    frame = pd.DataFrame(rows)
    on, off = frame[frame.rerank_enabled], frame[~frame.rerank_enabled]
    reranked, plain = mean(on.latency_ms), mean(off.latency_ms)
    values = {
        "avg_latency_rerank_ms": reranked,
        "avg_latency_cf_only_ms": plain,
        "latency_overhead_pct": (
            None if reranked is None or plain is None or plain == 0 else (reranked / plain - 1) * 100
        ),
        "avg_content_score": mean(on.content_score.astype(float)),
        "avg_semantic_alignment": mean(on.semantic_alignment.astype(float)),
        "avg_diversity_rerank": mean(on.diversity.astype(float)),
        "avg_diversity_cf_only": mean(off.diversity.astype(float)),
    }
    return {
        "timestamp": START,
        "requests_with_rerank": len(on),
        "requests_without_rerank": len(off),
        **{
            name: value if value is None else pytest.approx(value, abs=1e-9) for name, value in values.items()
        },
    }


latencies = st.one_of(st.just(0.0), st.floats(0.001, 10_000.0), st.integers(1, 5).map(float))
scores = st.none() | st.floats(-1.0, 1.0)
a_request = st.fixed_dictionaries(
    {
        "timestamp": st.integers(0, 5 * 60 * 1000 - 1).map(lambda ms: START + timedelta(milliseconds=ms)),
        "latency_ms": latencies,
        "fallback": st.booleans(),
        "error": st.sampled_from([None, "KeyError"]),
        "model_id": st.sampled_from(["als_v1", "als_v2"]),
        "rerank_enabled": st.booleans(),
        "content_score": scores,
        "semantic_alignment": scores,
        "diversity": scores,
    }
)
# Bursts make minutes of many requests, where the percentile is not simply the largest.
some_requests = st.lists(a_request, min_size=1, max_size=90)


@settings(max_examples=100)
@given(rows=some_requests)
def test_the_rows_are_those_of_the_model(store: Store, add_requests: AddRequests, rows: Rows) -> None:
    delete_all(store)
    add_requests(store, *rows)
    make_rows(store, MINUTES, START, START + 6 * MINUTE)
    make_rows(store, HOURS, START, START + timedelta(hours=1))
    assert read(store, service_health) == expected_health(rows, 6)
    assert read(store, reranking_metrics) == [expected_reranking(rows)]


def test_an_empty_minute_has_the_last_model_and_no_rates(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START}, {"timestamp": START + 2 * MINUTE})
    aggregate(store, START + 3 * MINUTE)
    assert read(store, service_health)[1] == {
        "timestamp": START + MINUTE,
        "requests_per_minute": 0.0,
        "avg_latency_ms": None,
        "p95_latency_ms": None,
        "fallback_rate": None,
        "error_rate": None,
        "active_model_id": "als_v1",
    }


def test_an_empty_hour_has_a_row_without_averages(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START}, {"timestamp": START + timedelta(hours=2)})
    aggregate(store, START + timedelta(hours=3))
    empty = read(store, reranking_metrics)[1]
    assert (empty.pop("timestamp"), empty.pop("requests_with_rerank")) == (START + timedelta(hours=1), 0)
    assert empty.pop("requests_without_rerank") == 0
    assert set(empty.values()) == {None}


def test_without_any_request_there_is_no_row(store: Store) -> None:
    aggregate(store, START)
    assert read(store, service_health) == read(store, reranking_metrics) == []


def test_a_minute_that_is_not_over_has_no_row(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START})
    aggregate(store, START + timedelta(seconds=59))
    assert read(store, service_health) == []


def test_running_it_again_changes_nothing(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START}, {"timestamp": START + 4 * MINUTE, "rerank_enabled": True})
    until = START + timedelta(hours=1)
    aggregate(store, until)
    before = read(store, service_health), read(store, reranking_metrics)
    aggregate(store, until)
    aggregate(store, until - timedelta(minutes=10))
    assert (read(store, service_health), read(store, reranking_metrics)) == before


def test_requests_that_were_written_late_are_counted(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START})
    aggregate(store, START + 3 * MINUTE)
    add_requests(store, {"timestamp": START + timedelta(seconds=30)})
    aggregate(store, START + 3 * MINUTE)
    assert [row["requests_per_minute"] for row in read(store, service_health)] == [2, 0, 0]


def test_after_a_pause_rows_are_made_up_for_a_while(store: Store, add_requests: AddRequests) -> None:
    span = replace(MINUTES, back=5 * MINUTE)
    add_requests(store, {"timestamp": START})
    assert make_rows(store, span, START, START + MINUTE) == START + MINUTE
    assert make_rows(store, span, START + MINUTE, START + 30 * MINUTE) == START + 30 * MINUTE
    minutes = [(row["timestamp"] - START) // MINUTE for row in read(store, service_health)]
    assert minutes == [0, 25, 26, 27, 28, 29]


def test_a_row_that_saw_more_requests_stays(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START, "latency_ms": 4.0}, {"timestamp": START, "latency_ms": 8.0})
    aggregate(store, START + timedelta(hours=1))
    with store.transaction() as connection:
        connection.execute(sa.delete(requests).where(requests.c.latency_ms == 8.0))
    make_rows(store, MINUTES, START, START + timedelta(hours=1))
    make_rows(store, HOURS, START, START + timedelta(hours=1))
    assert read(store, service_health)[0]["avg_latency_ms"] == 6.0
    assert read(store, reranking_metrics)[0]["avg_latency_cf_only_ms"] == 6.0


def test_work_is_bounded_and_goes_on_where_it_ended(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START})
    until = START + 100 * MINUTE
    reached = make_rows(store, MINUTES, START, until)
    assert reached == START + 60 * MINUTE
    assert make_rows(store, MINUTES, reached, until) == until
    assert len(read(store, service_health)) == 100


def test_it_resumes_at_the_newest_rows(store: Store, add_requests: AddRequests) -> None:
    until = START + 10 * MINUTE
    assert resume(store, MINUTES, until) is None
    add_requests(store, {"timestamp": START + timedelta(seconds=30)})
    assert resume(store, MINUTES, until) == START
    aggregate(store, until)
    assert resume(store, MINUTES, until) == START + 7 * MINUTE


def test_a_clock_that_ran_ahead_once_holds_nothing_up(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, {"timestamp": START})
    aggregate(store, START + 2 * MINUTE)
    ahead = START + timedelta(days=365)
    add_requests(store, {"timestamp": ahead})
    aggregate(store, ahead + 2 * timedelta(hours=1))
    add_requests(store, *({"timestamp": START + number * MINUTE} for number in (3, 4, 5)))
    aggregate(store, START + 7 * MINUTE)
    with store.transaction() as connection:
        query = sa.select(service_health.c.requests_per_minute).order_by(service_health.c.timestamp).limit(7)
        assert list(connection.execute(query).scalars()) == [1, 0, 0, 1, 1, 1, 0]
    aggregate(store, START + timedelta(hours=1))
    assert read(store, reranking_metrics)[0]["requests_without_rerank"] == 4


def test_local_times_are_taken(store_url: str, add_requests: AddRequests) -> None:
    with open_store(store_url) as store:
        add_requests(store, {"timestamp": START})
        aggregate(store, (START + MINUTE).astimezone())
        assert [row["timestamp"] for row in read(store, service_health)] == [START]
