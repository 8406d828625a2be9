import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.serving import RecommenderRequest
from recwatch.store import requests
from recwatch.store.request_rows import Row, row_maker
from recwatch.store.request_writer import RequestWriter, oldest_time
from recwatch.user_ids import UserIds

MakeRequest = Callable[..., RecommenderRequest]
AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def unexpected(column: str, error: Exception) -> None:
    raise AssertionError(column) from error


@pytest.fixture
def writer(store_url: str) -> Iterator[RequestWriter]:
    writer = RequestWriter(store_url, timeout=0.05)
    yield writer
    writer.close()


def row(make_request: MakeRequest, topk: int = 1, *, times_as_text: bool = True) -> Row:
    request = make_request(timestamp=AT.timestamp() + topk, topk=topk)
    return row_maker(UserIds(), times_as_text=times_as_text, on_odd=unexpected)(request)


def count(writer: RequestWriter) -> int:
    with writer.store.transaction() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(requests)).scalar_one())


def test_rows_are_inserted_all_or_none(writer: RequestWriter, make_request: MakeRequest) -> None:
    with pytest.raises(StoreError) as failure:
        writer.insert([row(make_request), (*row(make_request)[:2], 2**70, *row(make_request)[3:])])
    assert failure.value.reason == "refused"
    assert count(writer) == 0
    writer.insert([row(make_request), row(make_request)])
    assert count(writer) == 2


def test_a_locked_database_keeps_its_connection(
    writer: RequestWriter, make_request: MakeRequest, tmp_path: Path
) -> None:
    store = writer.store
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as failure:
        writer.insert([row(make_request)])
    other.close()
    assert (failure.value.reason, writer.store is store) == ("locked", True)


def test_a_database_that_fails_is_opened_anew(writer: RequestWriter, make_request: MakeRequest) -> None:
    store = writer.store
    with store.transaction() as connection:
        for table in ("requests", "recwatch_version", "training_runs", "iteration_metrics"):
            connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
    with pytest.raises(StoreError, match="no such table"):
        writer.insert([row(make_request)])
    with pytest.raises(StoreError, match="already exists"):
        writer.insert([row(make_request)])


@pytest.mark.parametrize("times_as_text", [True, False])
def test_the_oldest_time(make_request: MakeRequest, times_as_text: bool) -> None:  # noqa: FBT001
    rows = [row(make_request, seconds, times_as_text=times_as_text) for seconds in (3, 0, 5)]
    assert oldest_time(rows) == AT
