import threading
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from recwatch.pending import Pending
from recwatch.serving import RecommenderMetrics


class Writer:
    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.batches: list[list[int]] = []

    def write(self, records: Sequence[int]) -> None:
        self.batches.append(list(records))
        self.counter.inc(len(records))


def test_who_reads_the_registry_reads_what_waits() -> None:
    registry = CollectorRegistry()
    pending = Pending()
    registry.register(pending)
    writers = [Writer(Counter(f"writer_{number}", "Records.", registry=registry)) for number in range(2)]
    for record in range(5):
        pending.waiting.append((writers[record % 2], record))
    assert registry.get_sample_value("writer_0_total") == 3
    assert registry.get_sample_value("writer_1_total") == 2
    assert [writer.batches for writer in writers] == [[[0, 2, 4]], [[1, 3]]]


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
