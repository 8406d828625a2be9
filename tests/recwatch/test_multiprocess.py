"""Counts over several processes, with real ones: gunicorn's, uvicorn's, and some that are killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recwatch.multiprocess import WorkerMetrics, clear, fold, folder
from recwatch.testing import wait_until
from recwatch.worker_files import worker_files

WORKER = """
import os, signal, sys
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
registry = CollectorRegistry()
Counter("runs", "Runs.", ["model"], registry=registry).labels("als").inc(float(sys.argv[1]))
Histogram("time_seconds", "Time.", registry=registry, buckets=(1.0, 2.0)).observe(float(sys.argv[1]))
for mode in ("all", "liveall", "max", "livemax", "min", "sum", "mostrecent"):
    Gauge(f"gauge_{mode}", "A gauge.", registry=registry, multiprocess_mode=mode).set(float(sys.argv[1]))
print("ready", flush=True)
if sys.argv[2] == "stay":
    sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes that write metrics; each ends at once, by SIGKILL, or stays."""
    started = []

    def run(value: float, *, stay: bool = False, shared: Path = tmp_path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(value), "stay" if stay else "end"],
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(shared)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if not stay:
            process.wait(30)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def values(path: Path) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for family in WorkerMetrics(path).collect():
        for sample in family.samples:
            key = (sample.name, *sample.labels.values())
            assert key not in found
            found[key] = sample.value
    return found


def databases(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*.db"))


def test_what_ended_processes_counted_stays_and_is_counted_once(tmp_path: Path, start: Any) -> None:
    for value in (1, 2, 4):
        start(value)
        expected = [1.0, 3.0, 7.0][[1, 2, 4].index(value)]
        for _ in range(2):
            assert values(tmp_path)["runs_total", "als"] == expected
    living = start(8, stay=True)
    seen = values(tmp_path)
    assert seen["runs_total", "als"] == 15
    assert seen["time_seconds_count",] == 4
    assert seen["time_seconds_sum",] == 15
    assert [seen["time_seconds_bucket", bound] for bound in ("1.0", "2.0", "+Inf")] == [1, 2, 4]
    assert (seen["gauge_max",], seen["gauge_min",], seen["gauge_sum",]) == (8, 1, 15)
    assert seen["gauge_mostrecent",] == 8
    assert seen["gauge_livemax",] == 8
    assert [key for key in seen if key[0] == "gauge_liveall"] == [("gauge_liveall", str(living.pid))]
    assert sum(1 for key in seen if key[0] == "gauge_all") == 4


def test_files_do_not_grow_with_the_number_of_processes_that_ended(tmp_path: Path, start: Any) -> None:
    for _ in range(6):
        start(1)
        fold(tmp_path)
    merged = [name for name in databases(tmp_path) if "gauge_all" not in name]
    assert len(merged) == 6  # counter, histogram, gauges: max, min, sum, mostrecent
    assert len({name.split("/")[0] for name in databases(tmp_path)}) == 1
    assert values(tmp_path)["runs_total", "als"] == 6


@pytest.mark.parametrize("step", ["moved", "unfinished", "renamed"])
def test_a_kill_midway_neither_loses_nor_doubles(tmp_path: Path, start: Any, step: str) -> None:
    start(1)
    fold(tmp_path)
    (archive,) = tmp_path.glob("ended-*")
    before = {file.name: file.read_bytes() for file in archive.iterdir()}
    start(2)
    if step == "moved":  # some files of the ended process lie in the archive, the rest do not
        counter = next(tmp_path.glob("counter_*.db"))
        counter.rename(archive / f"{counter.stem}-1.db")
    elif step == "unfinished":  # the next archive was begun
        (tmp_path / "ended-9.unfinished").mkdir()
        (tmp_path / "ended-9.unfinished" / "counter_ended.db").write_bytes(before["counter_ended.db"])
    else:  # the next archive is in place, the one before not yet gone
        fold(tmp_path)
        archive.mkdir()
        for name, content in before.items():
            (archive / name).write_bytes(content)
    for _ in range(2):
        assert values(tmp_path)["runs_total", "als"] == 3
    start(4)
    assert values(tmp_path)["runs_total", "als"] == 7
    assert len(list(tmp_path.glob("ended-*"))) == 1


def test_a_process_id_that_is_given_again_loses_nothing(tmp_path: Path, start: Any) -> None:
    start(1)
    (first,) = tmp_path.glob("counter_*.db")
    fold(tmp_path)
    start(2)
    (second,) = tmp_path.glob("counter_*.db")
    second.rename(first)
    assert values(tmp_path)["runs_total", "als"] == 3


def test_folding_waits_for_nobody(tmp_path: Path, start: Any) -> None:
    import fcntl  # noqa: PLC0415 - not on every system

    start(1)
    with (tmp_path / "recwatch.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        fold(tmp_path)
        assert list(tmp_path.glob("counter_*.db"))
    fold(tmp_path)
    assert not list(tmp_path.glob("counter_*.db"))


def test_a_new_start_begins_with_nothing(tmp_path: Path, start: Any) -> None:
    shared = tmp_path / "made" / "on demand"
    clear(shared)
    start(1, shared=shared)
    fold(shared)
    start(2, shared=shared)
    clear(shared)
    assert databases(shared) == []


def test_a_new_start_beside_a_living_server_takes_nothing_from_it(tmp_path: Path, start: Any) -> None:
    start(1)
    start(2, stay=True)
    clear(tmp_path)
    assert values(tmp_path)["runs_total", "als"] == 3


def test_damaged_and_half_made_files_are_left_out(
    tmp_path: Path, start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    start(1, stay=True)
    (tmp_path / f"counter_{os.getppid()}.db").write_bytes(b"")
    (tmp_path / "histogram_1.db").write_bytes(b"\xff\xff\xff\x0f" + b"\xff" * 100)
    (tmp_path / "else.db").write_bytes(b"not ours")
    assert values(tmp_path)["runs_total", "als"] == 1
    assert "histogram_1.db is damaged" in caplog.text


def test_a_folder_that_is_missing_is_an_error_of_the_scrape_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(FileNotFoundError, match="PROMETHEUS_MULTIPROC_DIR names no folder"):
        WorkerMetrics(tmp_path / "missing").collect()
    fold(tmp_path / "missing")
    assert "Files of ended workers stay" in caplog.text
    (tmp_path / "file").touch()
    clear(tmp_path / "file")
    assert "Files of an earlier run stay" in caplog.text


def test_one_process_has_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    assert folder() is None
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert folder() == tmp_path


def hit(server: Any, times: int, path: str = "/work/1") -> set[int]:
    return {int(server.get(path).text) for _ in range(times)}


REQUESTS = {"method": "GET", "status": "200"}


def test_uvicorns_workers_are_counted_and_a_killed_one_keeps_its_counts(tmp_path: Path, serve: Any) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    server = serve("uvicorn", "asgi_app:app", "--workers=2", "--log-level=warning", folder=shared)
    pids: set[int] = set()
    requests = 0

    def both_answered() -> bool:
        nonlocal requests
        pids.update(hit(server, 5))
        requests += 5
        return len(pids) == 2

    wait_until(both_answered, timeout=60)
    labels = {**REQUESTS, "route": "/work/{id}"}
    assert server.value("http_requests_total", **labels) == requests
    assert server.value("test_live_workers") == 2
    killed = pids.pop()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: server.value("test_live_workers") == 1, timeout=60)
    assert not [file for file in worker_files(shared) if file.process == str(killed)]
    assert server.value("http_requests_total", **labels) == requests
    requests += 20
    hit(server, 20)
    assert server.value("http_requests_total", **labels) == requests
    assert server.value("http_request_duration_seconds_count", method="GET", route="/work/{id}") == requests
