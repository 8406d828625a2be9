"""What the request log costs a request, and how many rows a second it takes.

Against the way of the seed's `log_request_to_db`: connect, insert, commit and close for each request.
With the URL of an empty database in RECWATCH_BENCH_POSTGRESQL, PostgreSQL is timed as well.
"""

import os
import sqlite3
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time

from prometheus_client import CollectorRegistry

from benchmarks.timing import Figure, Row
from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics, RecommenderRequest

_SEED_TABLE = """
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP, user_id INTEGER, topk INTEGER,
        exclude_seen BOOLEAN, filter_params TEXT, latency_ms REAL, num_recommendations INT, fallback BOOLEAN,
        fallback_method TEXT, error TEXT, model_id TEXT
    )
"""
_SEED_INSERT = """
    INSERT INTO requests (timestamp, user_id, topk, exclude_seen, latency_ms, model_id)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_ITEMS = list(range(10))
_ROUNDS = 7
_SEED_REQUESTS = 100
_REQUESTS = 20_000
_ROWS = 100_000


def run() -> Sequence[Row | Figure]:
    with tempfile.TemporaryDirectory(prefix="recwatch-bench-") as name:
        folder = Path(name)
        seed = _median(lambda: _seed(folder))
        enqueue = _enqueue(folder)
        rates, cpu = zip(*(_write(_sqlite(folder)) for _ in range(_ROUNDS)), strict=True)
        rows: list[Row | Figure] = [
            Row(
                "a request in the request log: what the request waits for",
                enqueue * 1e6,
                seed * 1e6,
                "connect, insert, commit for each",
                target=0.01,
                unit="µs a request",
            ),
            Row(
                "a request in the request log: processor time, in all threads",
                statistics.median(cpu) * 1e6,
                seed * 1e6,
                "connect, insert, commit for each",
                unit="µs a request",
            ),
            Figure("request log to SQLite on one core", statistics.median(rates), "rows/s", 50_000),
        ]
        if url := os.environ.get("RECWATCH_BENCH_POSTGRESQL"):
            on_postgresql = statistics.median(_write(url)[0] for _ in range(3))
            rows.append(
                Row(
                    "a row of the request log in PostgreSQL",
                    1e6 / on_postgresql,
                    1e6 / statistics.median(rates),
                    "in SQLite",
                    unit="µs",
                )
            )
    return rows


def _median(work: Callable[[], float]) -> float:
    work()
    return statistics.median(work() for _ in range(_ROUNDS))


def _seed(folder: Path) -> float:
    """Seconds a request, the seed's way."""
    path = folder / "seed.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(_SEED_TABLE)
    connection.close()
    begun = perf_counter()
    for user in range(_SEED_REQUESTS):
        connection = sqlite3.connect(path)
        row = (datetime.now(UTC).isoformat(" "), user, 10, True, 12.5, "als_v2_20250116_141500")
        connection.execute(_SEED_INSERT, row)
        connection.commit()
        connection.close()
    return (perf_counter() - begun) / _SEED_REQUESTS


def _enqueue(folder: Path) -> float:
    """Seconds that a request takes longer where a recorder hands it to the request log.

    The median over rounds of both ways in turn; noise may make it less than 0.
    """
    registry = CollectorRegistry()
    log = RequestLog(_sqlite(folder), registry=registry)
    recorder = Recorder([log], interval=3600.0, capacity=4 * _REQUESTS, registry=registry)
    without = RecommenderMetrics("als", registry=registry)
    with_log = RecommenderMetrics("als", recorder=recorder, registry=registry)
    more = []
    for _ in range(_ROUNDS + 1):
        bare = _serve(without)
        more.append(_serve(with_log) - bare)
        assert recorder.flush(60.0)
        assert log.flush(60.0)
    recorder.close(60.0)
    return statistics.median(more[1:])


def _serve(metrics: RecommenderMetrics) -> float:
    begun = perf_counter()
    for user in range(_REQUESTS):
        with metrics.request(user, topk=10, exclude_seen=True) as request:
            request.returned(_ITEMS)
    return (perf_counter() - begun) / _REQUESTS


def _write(url: str) -> tuple[float, float]:
    """Rows a second from the recorder's queue to the last commit, and processor seconds a row; one core."""
    registry = CollectorRegistry()
    with _one_core():
        log = RequestLog(url, capacity=2 * _ROWS, registry=registry)
        recorder = Recorder([log], interval=0.1, capacity=2 * _ROWS, registry=registry)
        records = _records(registry)
        recorder.put(records[0])
        recorder.flush()
        log.flush()
        begun, used = perf_counter(), process_time()
        for record in records:
            recorder.put(record)
        assert recorder.flush(120.0)
        assert log.flush(120.0)
        seconds, used = perf_counter() - begun, process_time() - used
        recorder.close(10.0)
    return _ROWS / seconds, used / _ROWS


def _records(registry: CollectorRegistry) -> list[RecommenderRequest]:
    metrics = RecommenderMetrics("als", registry=registry)
    records = []
    for number in range(_ROWS):
        record = metrics.request(number, topk=10, exclude_seen=True, request_id=f"{number:032x}")
        record.timestamp = 1_763_694_900.0 + number / 1000
        record.seconds = 0.0125
        record.items = tuple(_ITEMS)
        record.version = "v2_20250116_141500"
        records.append(record)
    return records


def _sqlite(folder: Path) -> str:
    """The URL of a database that is not there yet."""
    return f"sqlite:///{folder / f'{len(list(folder.iterdir()))}.db'}"


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
