import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from recwatch.errors import StoreError
from recwatch.store import Retention, Store, open_store, requests
from recwatch.store.retention import prune

AddRequests = Callable[..., None]
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# A row of about 1 kB.
LONG = "x" * 1000


def topks(store: Store) -> list[int]:
    with store.transaction() as connection:
        return list(connection.execute(sa.select(requests.c.topk).order_by(requests.c.timestamp)).scalars())


def by_hour(count: int, **values: object) -> list[dict[str, object]]:
    """Requests, the oldest `count` hours old, the newest one; `topk` is the age in hours."""
    return [{"timestamp": NOW - age * HOUR, "topk": age, **values} for age in range(count, 0, -1)]


def test_requests_that_are_too_old_go_and_no_others(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *by_hour(5))
    assert prune(store, Retention(max_age=3 * HOUR, max_bytes=None), NOW) is False
    assert topks(store) == [3, 2, 1]


def test_age_goes_by_the_time_not_by_the_order_of_writing(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *reversed(by_hour(5)))
    prune(store, Retention(max_age=3 * HOUR, max_bytes=None), NOW)
    assert topks(store) == [3, 2, 1]


def test_work_is_bounded_and_goes_on(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *by_hour(2500))
    retention = Retention(max_age=100 * HOUR, max_bytes=None)
    assert prune(store, retention, NOW, batches=2) is True
    assert len(topks(store)) == 500
    assert topks(store)[0] == 500
    assert prune(store, retention, NOW, batches=2) is False
    assert topks(store) == list(range(100, 0, -1))


def test_too_many_bytes_take_the_oldest_only(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *by_hour(10_000, filter_params=LONG))
    retention = Retention(max_age=None, max_bytes=6_000_000)
    assert prune(store, retention, NOW) is False
    left = topks(store)
    assert left == list(range(len(left), 0, -1))
    # A thousand rows of a kilobyte each time: it ends soon after the size is right.
    assert 3_500 <= len(left) <= 6_000


def test_nothing_goes_while_both_are_kept(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *by_hour(100))
    assert prune(store, Retention(), NOW) is False
    assert prune(store, Retention(max_age=None, max_bytes=None), NOW) is False
    assert len(topks(store)) == 100


def test_a_limit_that_nothing_can_meet_ends(store: Store, add_requests: AddRequests) -> None:
    add_requests(store, *by_hour(100))
    assert prune(store, Retention(max_age=None, max_bytes=1), NOW) is False
    assert topks(store) == []


def test_sqlites_file_shrinks(store_url: str, tmp_path: Path, add_requests: AddRequests) -> None:
    with open_store(store_url) as store:
        add_requests(store, *by_hour(10_000, filter_params=LONG))
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        before = (tmp_path / "store.db").stat().st_size
        prune(store, Retention(max_age=None, max_bytes=before // 2), NOW)
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        after = (tmp_path / "store.db").stat().st_size
    assert after <= before // 2


def test_sqlites_file_stops_growing_while_rows_come(
    store_url: str, tmp_path: Path, add_requests: AddRequests
) -> None:
    retention = Retention(max_age=None, max_bytes=2_000_000)
    with open_store(store_url) as store:
        for number in range(12):
            at = NOW + number * HOUR
            add_requests(store, *({"timestamp": at, "filter_params": LONG} for _ in range(1000)))
            prune(store, retention, at)
        largest = (tmp_path / "store.db").stat().st_size
    assert largest < 4_500_000


def test_postgresqls_table_stops_growing_while_rows_come(
    postgresql_url: str, add_requests: AddRequests
) -> None:
    retention = Retention(max_age=None, max_bytes=4_000_000)
    sizes = []
    with open_store(postgresql_url) as store:
        for number in range(12):
            at = NOW + number * HOUR
            add_requests(store, *({"timestamp": at, "filter_params": LONG} for _ in range(1000)))
            prune(store, retention, at)
            with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                # What autovacuum does, not waited for.
                connection.exec_driver_sql("VACUUM requests")
                size = connection.execute(sa.select(sa.func.pg_total_relation_size("requests"))).scalar_one()
                sizes.append(int(size))
        assert len(topks(store)) >= 2000
    # What another transaction could still see is used a round later; without use it would be twice as much.
    assert sizes[-1] <= 1.1 * max(sizes[:7])
    assert sizes[-1] < 7_000_000


def test_writers_are_not_held_up(store_url: str, tmp_path: Path, add_requests: AddRequests) -> None:
    """Another connection writes between two batches, though pruning goes on."""
    with open_store(store_url) as store:
        add_requests(store, *by_hour(3000))
        other = sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None)
        written = []

        def write(*_: object) -> None:
            written.append(other.execute("INSERT INTO requests (timestamp) VALUES ('2026-11-21 03:00:00')"))

        sa.event.listen(store.engine, "begin", write)
        prune(store, Retention(max_age=HOUR, max_bytes=None), NOW)
        other.close()
    assert len(written) >= 3


def test_a_locked_database_is_said(store_url: str, tmp_path: Path, add_requests: AddRequests) -> None:
    with open_store(store_url, timeout=0.05) as store:
        add_requests(store, *by_hour(5))
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            prune(store, Retention(max_age=HOUR, max_bytes=None), NOW)
        other.close()


@pytest.mark.parametrize("values", [{"max_age": timedelta(0)}, {"max_bytes": 0}, {"max_bytes": -1}])
def test_a_retention_of_nothing_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be above 0; None keeps"):
        Retention(**values)  # type: ignore[arg-type]
