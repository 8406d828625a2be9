import contextlib
import os
import threading
from collections.abc import Iterable, Sequence

import pytest
from prometheus_client import CollectorRegistry, Counter

from recwatch.http import HttpRecorder
from recwatch.pending import Fed, Pending
from recwatch.serving import RecommenderMetrics


class FedCounter(Fed, Counter):
    pass


class Writer:
    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.batches: list[list[int]] = []

    def write(self, records: Sequence[int]) -> None:
        self.batches.append(list(records))
        self.counter.inc(len(records))


def test_who_reads_a_metric_reads_what_waits() -> None:
    registry = CollectorRegistry()
    pending = Pending()
    writers = []
    for number in range(2):
        counter = FedCounter(f"writer_{number}", "Records.", registry=registry)
        counter.pending = pending
        writers.append(Writer(counter))
    for record in range(5):
        pending.waiting.append((writers[record % 2], record))
    assert registry.get_sample_value("writer_0_total") == 3
    assert registry.get_sample_value("writer_1_total") == 2
    assert [writer.batches for writer in writers] == [[[0, 2, 4]], [[1, 3]]]


def test_a_metric_that_nothing_waits_for_is_read_as_ever(registry: CollectorRegistry) -> None:
    FedCounter("runs", "Runs.", registry=registry).inc()
    assert registry.get_sample_value("runs_total") == 1


NAMES = (
    *("http_requests_total", "http_request_duration_seconds_count", "http_time_to_first_byte_seconds_count"),
    *("recommender_requests_total", "recommender_request_duration_seconds_count"),
    *("recommender_fallbacks_total", "recommender_errors_total", "recommender_recommendations_count"),
)


@pytest.mark.parametrize("name", NAMES)
def test_whoever_picks_a_metric_by_name_reads_every_request(registry: CollectorRegistry, name: str) -> None:
    HttpRecorder(registry).record("GET", "/a", 200, 0.1, 0.05)
    metrics = RecommenderMetrics("als", registry=registry)
    with contextlib.suppress(RuntimeError), metrics.request() as request:
        request.returned([1])
        request.fallback("popularity")
        raise RuntimeError("as asked")
    families: Iterable[object] = registry.restricted_registry([name]).collect()
    values = [sample.value for family in families for sample in family.samples]  # type: ignore[attr-defined]
    assert sum(values) == 1


def test_a_reader_waits_for_a_batch_that_another_thread_is_at_and_a_request_does_not() -> None:
    pending = Pending()
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        def write(self, records: Sequence[int]) -> None:
            begun.set()
            go_on.wait(30)
            counted.extend(records)

    counted: list[int] = []
    read: list[int] = []

    def read_all() -> None:
        pending.write()
        read.extend(counted)

    pending.waiting.append((Slow(), 1))
    writer = threading.Thread(target=pending.write)
    writer.start()
    begun.wait(30)
    pending.write_soon()
    assert counted == []
    reader = threading.Thread(target=read_all)
    reader.start()
    go_on.set()
    for thread in (writer, reader):
        thread.join(30)
    assert read == [1]


def test_a_child_that_is_forked_in_the_middle_of_a_batch_writes_its_own() -> None:
    pending = Pending()
    holding, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with pending._lock:
            holding.set()
            let_go.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(30)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if pending._lock.acquire(timeout=5) else 1)
    let_go.set()
    thread.join(30)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_few_requests_wait(registry: CollectorRegistry) -> None:
    metrics = RecommenderMetrics("als", registry=registry)
    for _ in range(300):
        with metrics.request():
            pass
    assert len(metrics._metrics.pending.waiting) == 300 % 128


def test_threads_that_write_at_once_take_each_record_once() -> None:
    pending = Pending()
    writer = Writer(Counter("records", "Records.", registry=None))
    begun = threading.Barrier(4)

    def work() -> None:
        begun.wait(30)
        for record in range(1_000):
            pending.waiting.append((writer, record))
            if record % 7 == 0:
                pending.write()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pending.write()
    assert sorted(record for batch in writer.batches for record in batch) == sorted([*range(1_000)] * 4)
