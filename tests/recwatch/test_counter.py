import threading

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Counter as TheirCounter

from recwatch.counter import Counter
from recwatch.exposition import render


def test_the_text_is_that_of_prometheus_client(registry: CollectorRegistry) -> None:
    theirs = CollectorRegistry()
    for kind, place in ((Counter, registry), (TheirCounter, theirs)):
        runs = kind("runs_total", "Runs.", ["model"], registry=place)
        runs.labels("als").inc()
        runs.labels(model="als").inc(2)
        runs.labels("bpr")
        kind("plain", "No labels.", registry=place).inc()
    assert generate_latest(registry) == render(theirs)[0]


def test_many_threads_lose_no_count(registry: CollectorRegistry) -> None:
    count = Counter("runs", "Runs.", ["model"], registry=registry).labels("als")

    def work() -> None:
        for _ in range(5000):
            count.inc()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read() == 20_000


def test_a_counter_never_falls(registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match="cannot be incremented by -1"):
        Counter("runs", "Runs.", registry=registry).inc(-1)


def test_a_name_is_taken_once_and_a_series_may_go(registry: CollectorRegistry) -> None:
    runs = Counter("runs", "Runs.", ["model"], registry=registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Counter("runs_total", "Runs.", registry=registry)
    runs.labels("als").inc()
    runs.remove("als")
    assert registry.get_sample_value("runs_total", {"model": "als"}) is None
    with pytest.raises(ValueError, match="runs has the labels model: give a value of each"):
        runs.labels()
