from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from recwatch.serving import RecommenderRequest
from recwatch.store import Store, requests
from recwatch.store.bulk_insert import BulkInsert
from recwatch.store.request_rows import COLUMNS, row_maker
from recwatch.user_ids import UserIds

MakeRequest = Callable[..., RecommenderRequest]
AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def unexpected(column: str, error: Exception) -> None:
    raise AssertionError(column) from error


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 549, 550, 1234])
def test_every_row_is_inserted_once_and_in_order(store: Store, make_request: MakeRequest, count: int) -> None:
    row_of = row_maker(UserIds(), times_as_text=store.engine.dialect.name == "sqlite", on_odd=unexpected)
    rows = [row_of(make_request(timestamp=AT.timestamp(), topk=number)) for number in range(count)]
    with store.transaction() as connection:
        BulkInsert(requests, COLUMNS, store.engine.dialect)(connection, rows)
        found = connection.execute(sa.select(requests).order_by(requests.c.id)).mappings().all()
    assert [row["topk"] for row in found] == list(range(count))
    assert {row["timestamp"] for row in found} <= {AT}


def test_what_is_inserted_reads_as_if_sqlalchemy_had_inserted_it(
    store: Store, make_request: MakeRequest
) -> None:
    values = {
        "timestamp": AT,
        "user_id": "'; DROP TABLE requests; --",
        "topk": 3,
        "exclude_seen": False,
        "filter_params": '{"a": "%s ? :b"}',
        "latency_ms": 1.5,
        "num_recommendations": 2,
        "fallback": True,
        "fallback_method": "popularity",
        "error": None,
        "model_id": "als_v1",
        "variant": "b",
        "rerank_enabled": True,
        "content_score": 0.5,
        "semantic_alignment": None,
        "diversity": 0.25,
        "status": "success",
        "request_id": "id",
    }
    request = make_request(
        timestamp=AT.timestamp(),
        user_id=values["user_id"],
        topk=3,
        exclude_seen=False,
        filters={"a": "%s ? :b"},
        seconds=0.0015,
        items=(1, 2),
        fallback_method="popularity",
        version="v1",
        variant="b",
        was_reranked=True,
        content_score=0.5,
        diversity=0.25,
        request_id="id",
    )
    row_of = row_maker(UserIds(), times_as_text=store.engine.dialect.name == "sqlite", on_odd=unexpected)
    with store.transaction() as connection:
        connection.execute(sa.insert(requests).values(**values))
        BulkInsert(requests, COLUMNS, store.engine.dialect)(connection, [row_of(request)])
        slow, fast = connection.execute(sa.select(requests).order_by(requests.c.id)).mappings().all()
    assert {**fast, "id": 0} == {**slow, "id": 0}
