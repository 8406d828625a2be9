"""A minute summed up; `test_aggregates.py` holds it against pandas."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from recwatch.store import Store
from recwatch.store.service_health import summarize_minute

AddRequests = Callable[..., None]
START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
END = START + timedelta(minutes=1)


def summarize(store: Store) -> dict[str, Any]:
    with store.transaction() as connection:
        return summarize_minute(connection, START, END)


@pytest.mark.parametrize("count", [1, 2, 19, 20, 21, 100, 101])
def test_the_95th_percentile_is_exact(store: Store, add_requests: AddRequests, count: int) -> None:
    values = [float(value) for value in np.random.default_rng(count).permutation(count) + 1]
    add_requests(store, *({"timestamp": START, "latency_ms": value} for value in values))
    assert summarize(store)["p95_latency_ms"] == np.percentile(values, 95, method="inverted_cdf")


def test_a_minute_holds_its_start_and_not_its_end(store: Store, add_requests: AddRequests) -> None:
    microsecond = timedelta(microseconds=1)
    add_requests(store, *({"timestamp": at} for at in (START - microsecond, START, END - microsecond, END)))
    assert summarize(store)["requests_per_minute"] == 2


def test_the_active_model_is_that_of_the_latest_request(store: Store, add_requests: AddRequests) -> None:
    later = {"timestamp": START + timedelta(seconds=2), "model_id": "als_v3"}
    unsaid = {"timestamp": START + timedelta(seconds=3), "model_id": None}
    add_requests(store, later, unsaid, {"timestamp": START, "model_id": "als_v2"})
    assert summarize(store)["active_model_id"] == "als_v3"


def test_latencies_that_are_unknown_are_left_out(store: Store, add_requests: AddRequests) -> None:
    known = [{"timestamp": START, "latency_ms": value} for value in (1.0, 3.0)]
    add_requests(store, *known, {"timestamp": START, "latency_ms": None})
    row = summarize(store)
    assert (row["requests_per_minute"], row["avg_latency_ms"], row["p95_latency_ms"]) == (3, 2.0, 3.0)


def test_nothing_is_divided_by_no_requests(store: Store) -> None:
    row = summarize(store)
    assert row.pop("requests_per_minute") == 0
    assert set(row.values()) == {None}


def test_a_minute_without_requests_has_the_model_of_the_latest_before_it(
    store: Store, add_requests: AddRequests
) -> None:
    before, after = START - timedelta(hours=2), END
    add_requests(
        store,
        {"timestamp": before, "model_id": "als_v2"},
        {"timestamp": before, "model_id": "als_v3"},
        {"timestamp": before + timedelta(hours=1), "model_id": None},
        {"timestamp": before - timedelta(hours=1), "model_id": "als_v1"},
        {"timestamp": after, "model_id": "als_v4"},
    )
    row = summarize(store)
    assert (row["requests_per_minute"], row["active_model_id"]) == (0, "als_v3")
