import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from recwatch.exposition import render
from recwatch.shared import Counter, Histogram


@pytest.fixture
def shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def declare(registry: CollectorRegistry) -> tuple[Any, Any]:
    runs = Counter("runs_total", "Runs.", ["model"], registry=registry)
    times = Histogram("time_seconds", "Time.", ["model"], registry=registry, buckets=(1.0, 2.0))
    return runs.labels("als"), times.labels("als")


def in_a_child(work: Callable[[], None]) -> None:
    """Fork, do the work in the child and wait for its end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on with the tests
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_the_files_are_prometheus_clients(shared_folder: Path, registry: CollectorRegistry) -> None:
    runs, times = declare(registry)
    runs.inc(2)
    for amount in (0.5, 1.5, 9.0):
        times.observe(amount, {"request_id": "none in this mode"})
    times.observe_many([0.5, 0.5])
    assert sorted(path.name for path in shared_folder.glob("*.db")) == [
        f"counter_{os.getpid()}.quick.db",
        f"histogram_{os.getpid()}.quick.db",
    ]
    theirs = CollectorRegistry()
    MultiProcessCollector(theirs)  # type: ignore[no-untyped-call]
    text = render(registry)[0].decode()
    assert sorted(text.splitlines()) == sorted(generate_latest(theirs).decode().splitlines())
    assert 'time_seconds_bucket{le="2.0",model="als"} 4.0' in text
    assert 'time_seconds_count{model="als"} 5.0' in text
    assert 'runs_total{model="als"} 2.0' in text
    # The registry of this process alone says the same.
    own = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]
    assert 'time_seconds_count{model="als"} 5' in own


def test_a_child_counts_from_nought_in_files_of_its_own(
    shared_folder: Path, registry: CollectorRegistry
) -> None:
    runs, times = declare(registry)
    runs.inc(1)
    times.observe(0.5)

    def work() -> None:
        runs.inc(10)
        times.observe(1.5)
        assert runs.read() == 10

    in_a_child(work)
    in_a_child(work)
    runs.inc(100)
    assert runs.read() == 101
    text = render(registry)[0].decode()
    assert 'runs_total{model="als"} 121.0' in text
    assert 'time_seconds_sum{model="als"} 3.5' in text
    assert list(shared_folder.glob("ended-*"))


def test_a_process_with_the_id_of_an_earlier_one_counts_on(
    shared_folder: Path, registry: CollectorRegistry
) -> None:
    def first() -> None:
        runs, times = declare(registry)
        runs.inc(3)
        times.observe(0.5)

    in_a_child(first)
    for path in shared_folder.glob("*.db"):
        path.rename(shared_folder / f"{path.name.split('_')[0]}_{os.getpid()}.quick.db")
    runs, times = declare(CollectorRegistry())
    runs.inc()
    times.observe(0.5)
    text = render(registry)[0].decode()
    assert 'runs_total{model="als"} 4.0' in text
    assert 'time_seconds_count{model="als"} 2.0' in text


@pytest.mark.usefixtures("shared_folder")
def test_many_threads_lose_no_count(registry: CollectorRegistry) -> None:
    runs, times = declare(registry)

    def work() -> None:
        for _ in range(2000):
            runs.inc()
            times.observe(0.5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = render(registry)[0].decode()
    assert 'runs_total{model="als"} 8000.0' in text
    assert 'time_seconds_count{model="als"} 8000.0' in text


def test_there_is_no_sum_where_amounts_can_be_negative(
    shared_folder: Path, registry: CollectorRegistry
) -> None:
    scores = Histogram("score", "Score.", ["model"], registry=registry, buckets=(-1.0, 0.0, 1.0)).labels(
        "als"
    )
    scores.observe(-9.0)
    scores.observe_many([-1.0, 0.5])
    assert list(shared_folder.glob("*.db"))
    for text in (render(registry)[0].decode(), generate_latest(registry).decode()):
        assert 'score_count{model="als"} 3.0' in text
        assert 'score_bucket{le="-1.0",model="als"} 2.0' in text
        assert "score_sum" not in text


@pytest.mark.usefixtures("shared_folder")
def test_a_counter_never_falls(registry: CollectorRegistry) -> None:
    runs, _ = declare(registry)
    with pytest.raises(ValueError, match="cannot be incremented by -1"):
        runs.inc(-1)


@pytest.mark.usefixtures("shared_folder")
def test_a_name_is_taken_once_and_a_series_may_go(registry: CollectorRegistry) -> None:
    runs = Counter("runs", "Runs.", ["model"], registry=registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Counter("runs_total", "Runs.", registry=registry)
    runs.labels(model="als").inc()
    assert registry.get_sample_value("runs_total", {"model": "als"}) == 1
    runs.remove("als")
    assert registry.get_sample_value("runs_total", {"model": "als"}) is None
    with pytest.raises(ValueError, match="runs has the labels model: give a value of each"):
        runs.labels()
