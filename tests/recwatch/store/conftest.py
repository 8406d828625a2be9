from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from recwatch.store import Store, open_store, requests

AddRequests = Callable[..., None]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A new database, of each kind in turn."""
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as store:
        yield store


@pytest.fixture
def add_requests() -> AddRequests:
    """Inserts rows into `requests`, the slow and obvious way: `add_requests(store, {...}, {...})`."""

    def add(store: Store, *rows: dict[str, Any]) -> None:
        usual = {
            "timestamp": datetime(2026, 11, 21, 3, 15, tzinfo=UTC),
            "latency_ms": 10.0,
            "fallback": False,
            "error": None,
            "model_id": "als_v1",
            "rerank_enabled": False,
            "content_score": None,
            "semantic_alignment": None,
            "diversity": None,
        }
        if rows:
            with store.transaction() as connection:
                connection.execute(sa.insert(requests), [{**usual, **row} for row in rows])

    return add
