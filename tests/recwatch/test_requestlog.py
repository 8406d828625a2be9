import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString, Protocol

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from sqlalchemy.engine.interfaces import DBAPIConnection

from recwatch.errors import ConfigError, StoreError
from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics, RecommenderRequest
from recwatch.store import Retention, open_store, requests, reranking_metrics, service_health
from recwatch.testing import free_port, wait_until

MakeRequest = Callable[..., RecommenderRequest]
MakeLog = Callable[..., RequestLog]
Drops = Callable[..., dict[str, float]]
AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


class PostgreSql(Protocol):
    def make_database(self) -> str: ...
    def sql(self, database: str, statement: LiteralString) -> None: ...


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def make_log(registry: CollectorRegistry) -> Iterator[MakeLog]:
    logs = []

    def make(url: str, **options: Any) -> RequestLog:
        log = RequestLog(url, registry=registry, **{"retention": None, "timeout": 0.05, **options})
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close(0.0)


def read(url: str, table: sa.Table = requests) -> list[dict[str, Any]]:
    with open_store(url) as store, store.transaction() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def numbers(url: str) -> list[int]:
    return sorted(row["topk"] for row in read(url))


@pytest.fixture
def drops(registry: CollectorRegistry) -> Drops:
    """Counts what was dropped: reason to count, of those that are not 0."""

    def count(target: str = "requests") -> dict[str, float]:
        samples = [sample for family in registry.collect() for sample in family.samples]
        return {
            sample.labels["reason"]: sample.value
            for sample in samples
            if sample.name == "recwatch_dropped_writes_total"
            and sample.labels["target"] == target
            and sample.value
        }

    return count


@pytest.fixture
def lock(store_url: str, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that holds the database locked until it is closed."""
    open_store(store_url).close()
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield connection
    connection.close()


def some(make_request: MakeRequest, *topks: int) -> list[RecommenderRequest]:
    return [make_request(timestamp=AT.timestamp() + number, topk=number) for number in topks]


def test_a_request_becomes_a_row(
    url: str, registry: CollectorRegistry, make_log: MakeLog, drops: Drops
) -> None:
    log = make_log(url)
    recorder = Recorder([log], interval=0.01, registry=registry)
    metrics = RecommenderMetrics("als", variant="b", recorder=recorder, registry=registry)
    metrics.model_loaded("v2_20250116_141500", AT)
    before = datetime.now(UTC)
    with metrics.request(12345, topk=10, exclude_seen=True, request_id="abc") as request:
        request.returned([1, 2, 3])
    with pytest.raises(KeyError), metrics.request(11111):
        raise KeyError
    assert recorder.close()
    good, bad = read(url)
    assert before - timedelta(seconds=1) <= good["timestamp"] <= datetime.now(UTC)
    assert (good["user_id"], good["topk"], good["exclude_seen"]) == ("12345", 10, True)
    assert (good["model_id"], good["variant"]) == ("als_v2_20250116_141500", "b")
    assert (good["num_recommendations"], good["status"], good["request_id"]) == (3, "success", "abc")
    assert (bad["user_id"], bad["status"], bad["error"]) == ("11111", "error", "KeyError")
    assert drops() == drops("recorder") == {}


def test_a_batch_is_one_transaction(store_url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    log = make_log(store_url, aggregates=False)
    log.take(some(make_request, 0))
    assert log.flush()
    commits: list[object] = []
    sa.event.listen(log._writer.store.engine, "commit", commits.append)
    log.take(some(make_request, *range(1, 1235)))
    assert log.flush()
    assert numbers(store_url) == list(range(1235))
    assert len(commits) == 1


def test_closing_writes_what_waits(url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    log = make_log(url)
    log.take(some(make_request, *range(100)))
    log.close()
    log.close()
    assert numbers(url) == list(range(100))


def test_a_closed_one_counts_what_comes(
    store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log(store_url)
    log.close()
    log.take(some(make_request, 1, 2))
    assert drops() == {"closed": 2}


def test_a_restart_goes_on_in_the_same_table(url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    for number in range(3):
        log = make_log(url)
        log.take(some(make_request, number))
        log.close()
    assert numbers(url) == [0, 1, 2]


def test_rows_wait_for_a_locked_database(
    lock: sqlite3.Connection, store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log(store_url)
    log.take(some(make_request, 1, 2))
    wait_until(lambda: log._failure is not None)
    log.take(some(make_request, 3))
    lock.close()
    assert log.flush()
    assert numbers(store_url) == [1, 2, 3]
    assert drops() == {}


def test_beyond_its_capacity_a_locked_database_costs_counted_drops(
    lock: sqlite3.Connection, store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log(store_url, capacity=10)
    log.take(some(make_request, *range(8)))
    wait_until(lambda: log._failure is not None)
    log.take(some(make_request, *range(8, 15)))
    assert drops() == {"locked": 5}
    lock.close()
    assert log.flush()
    assert numbers(store_url) == list(range(10))


@pytest.mark.usefixtures("lock")
def test_closing_beside_a_locked_database_ends_and_counts(
    store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log(store_url)
    log.take(some(make_request, *range(7)))
    log.close(0.2)
    assert drops() == {"locked": 7}


@pytest.mark.usefixtures("lock")
def test_what_waits_and_what_is_dropped_is_logged(
    store_url: str, make_log: MakeLog, make_request: MakeRequest, caplog: pytest.LogCaptureFixture
) -> None:
    log = make_log(store_url, capacity=1)
    log.take(some(make_request, 1))
    wait_until(lambda: log._failure is not None)
    log.take(some(make_request, 2))
    assert 'Requests not written yet | retry="every second", error="' in caplog.text
    assert "Write dropped | target=requests, reason=locked, writes=1" in caplog.text


@pytest.fixture
def full_disk() -> Iterator[list[bool]]:
    """While its one item is true, no SQLite database that is opened may grow beyond two pages."""
    full = [False]

    def limit(connection: DBAPIConnection, _entry: object) -> None:
        if full[0]:
            connection.cursor().execute("PRAGMA max_page_count = 2")

    sa.event.listen(sa.Engine, "connect", limit)
    yield full
    sa.event.remove(sa.Engine, "connect", limit)


def test_a_full_disk_costs_drops_and_nothing_else(
    full_disk: list[bool], store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    open_store(store_url).close()
    full_disk[0] = True
    log = make_log(store_url, capacity=1000)
    log.take(some(make_request, *range(1000)))
    wait_until(lambda: log._failure is not None)
    log.take(some(make_request, 1000))
    assert drops() == {"full": 1}
    full_disk[0] = False
    assert log.flush()
    assert numbers(store_url) == list(range(1000))


def test_a_database_that_cannot_be_reached_costs_drops_and_nothing_else(
    make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log(f"postgresql+psycopg://recwatch@127.0.0.1:{free_port()}/none")
    log.take(some(make_request, 1, 2))
    log.close(0.2)
    assert drops() == {"unavailable": 2}


def test_a_folder_that_cannot_be_made_costs_drops_and_nothing_else(
    make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    log = make_log("sqlite:////proc/nowhere/requests.db")
    log.take(some(make_request, 1))
    log.close(0.2)
    assert drops() == {"unavailable": 1}


def test_a_database_that_is_dropped_and_restored_gets_what_waited(
    postgresql: PostgreSql, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    url = postgresql.make_database()
    name = url.rpartition("/")[2]
    log = make_log(url)
    log.take(some(make_request, 1))
    assert log.flush()
    postgresql.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")
    log.take(some(make_request, 2))
    wait_until(lambda: log._failure is not None)
    log.take(some(make_request, 3))
    postgresql.sql("postgres", f"CREATE DATABASE {name}")
    assert log.flush(30)
    assert numbers(url) == [2, 3]
    assert drops() == {}


def test_a_file_that_was_removed_is_made_anew_at_a_restart(
    store_url: str, tmp_path: Path, make_log: MakeLog, make_request: MakeRequest
) -> None:
    log = make_log(store_url)
    log.take(some(make_request, 1))
    assert log.flush()
    log.close()
    (tmp_path / "store.db").unlink()
    log = make_log(store_url)
    log.take(some(make_request, 2))
    assert log.flush()
    assert numbers(store_url) == [2]


def test_a_row_that_the_database_refuses_costs_no_other(
    url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    with open_store(url) as store, store.transaction() as connection:
        connection.exec_driver_sql("CREATE UNIQUE INDEX once ON requests (request_id)")
    log = make_log(url)
    good = some(make_request, *range(5))
    good[0].request_id = "r-1"
    bad = [make_request(request_id="r-1"), make_request(request_id="r-1")]
    log.take([*good[:2], bad[0], *good[2:4], bad[1], good[4]])
    assert log.flush()
    assert numbers(url) == [0, 1, 2, 3, 4]
    assert drops() == {"refused": 2}


def test_a_record_that_is_no_row_costs_no_other(
    store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    bad = [make_request(timestamp=1e300), make_request(seconds=None)]
    log = make_log(store_url)
    log.take([*some(make_request, 1), *bad, *some(make_request, 2)])
    assert log.flush()
    assert numbers(store_url) == [1, 2]
    assert drops() == {"error": 2}


def test_a_value_that_no_column_holds_costs_no_row(
    url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops, caplog: pytest.LogCaptureFixture
) -> None:
    log = make_log(url)
    odd = {"topk": "all", "filters": {("a", "b"): 1, "x": float("nan")}}
    log.take([make_request(user_id=1, **odd), make_request(user_id=2, topk=2**70)])
    assert log.flush()
    assert [(row["user_id"], row["topk"], row["filter_params"]) for row in read(url)] == [
        ("1", None, None),
        ("2", None, None),
    ]
    assert drops() == {"value": 3}
    assert "reason=value, writes=1, error='topk: ValueError(" in caplog.text


def test_drops_are_exported_at_0_from_the_start(registry: CollectorRegistry, make_log: MakeLog) -> None:
    make_log("sqlite:///never.db")
    labels = {"target": "requests", "reason": "locked"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 0


def test_making_one_opens_nothing(store_url: str, tmp_path: Path, make_log: MakeLog) -> None:
    make_log(store_url).close()
    assert list(tmp_path.iterdir()) == []


def test_users_are_hashed(
    store_url: str, tmp_path: Path, make_log: MakeLog, make_request: MakeRequest
) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    log = make_log(store_url, user_ids="hashed", key_file=key)
    log.take([make_request(user_id=12345), make_request(user_id="12345"), make_request(user_id=None)])
    log.close()
    one, same, nobody = (row["user_id"] for row in read(store_url))
    assert one == same
    assert len(one) == 64
    assert nobody is None


def test_users_are_left_out(store_url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    log = make_log(store_url, user_ids="omitted")
    log.take([make_request(user_id=12345)])
    log.close()
    assert [row["user_id"] for row in read(store_url)] == [None]


def test_what_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    with pytest.raises(ConfigError, match="key cannot be read"):
        RequestLog("sqlite:///x.db", user_ids="hashed", key_file=tmp_path / "none", registry=registry)
    with pytest.raises(ConfigError, match="without a key"):
        RequestLog("sqlite:///x.db", user_ids="hashed", registry=registry)
    with pytest.raises(StoreError, match="write one such as sqlite:///"):
        RequestLog("no url", registry=registry)


def test_minutes_and_hours_are_summed_up(url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    now = [AT + timedelta(seconds=30)]
    log = make_log(url, now=lambda: now[0])
    log.take([make_request(timestamp=AT.timestamp(), seconds=0.02, version="v1", topk=1)])
    assert log.flush()
    now[0] = AT + timedelta(hours=1, minutes=2)
    wait_until(lambda: len(read(url, service_health)) >= 60 and len(read(url, reranking_metrics)) == 1)
    first = min(read(url, service_health), key=lambda row: row["timestamp"])
    assert (first["timestamp"], first["requests_per_minute"]) == (AT, 1)
    assert (first["p95_latency_ms"], first["active_model_id"]) == (pytest.approx(20.0), "als_v1")


def test_aggregates_can_be_left_to_another(
    store_url: str, make_log: MakeLog, make_request: MakeRequest
) -> None:
    log = make_log(store_url, aggregates=False)
    log.take(some(make_request, 1))
    log.close()
    assert read(store_url, service_health) == []


def test_the_oldest_are_deleted(url: str, make_log: MakeLog, make_request: MakeRequest) -> None:
    retention = Retention(max_age=timedelta(seconds=10), max_bytes=None)
    log = make_log(url, retention=retention, now=lambda: AT + timedelta(seconds=15))
    log.take(some(make_request, *range(15)))
    wait_until(lambda: numbers(url) == list(range(5, 15)))


def test_upkeep_that_fails_is_counted_and_rows_are_written(
    store_url: str, make_log: MakeLog, make_request: MakeRequest, drops: Drops
) -> None:
    with open_store(store_url) as store, store.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE service_health")
    log = make_log(store_url, now=lambda: AT + timedelta(minutes=2))
    log.take(some(make_request, 1))
    wait_until(lambda: drops("aggregates") != {})
    assert drops("aggregates").keys() == {"unavailable"}
    assert numbers(store_url) == [1]
    assert drops() == {}


def test_nothing_waits_where_nothing_was_taken(store_url: str, make_log: MakeLog) -> None:
    assert make_log(store_url).flush(0)
