"""The request log in processes of its own: several at once, ended, killed, forked, on a full disk."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from recwatch.store import aggregate, open_store, requests, service_health
from recwatch.testing import wait_until

Serve = Callable[..., Any]
Start = Callable[..., "subprocess.Popen[str]"]
APP = Path(__file__).parent / "apps" / "log_requests.py"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("store_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(url: str, count: int, how: str) -> "subprocess.Popen[str]":
        command = [sys.executable, str(APP), url, str(count), how]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def numbers(url: str) -> list[int]:
    with open_store(url) as store, store.transaction() as connection:
        return list(connection.execute(sa.select(requests.c.topk).order_by(requests.c.topk)).scalars())


def test_several_workers_write_at_once_and_lose_nothing(url: str, start: Start) -> None:
    workers = [start(url, 3000, "exit") for _ in range(4)]
    assert [worker.communicate()[0] for worker in workers] == ["logged\n0.0\n"] * 4
    assert numbers(url) == [number for number in range(3000) for _ in range(4)]
    with open_store(url) as store:
        aggregate(store, datetime.now(UTC) + timedelta(minutes=2))
        with store.transaction() as connection:
            total = connection.execute(sa.select(sa.func.sum(service_health.c.requests_per_minute))).scalar()
    assert total == 12_000


def test_a_process_that_ends_by_itself_loses_nothing(store_url: str, start: Start) -> None:
    assert start(store_url, 1000, "exit").communicate()[0] == "logged\n0.0\n"
    assert numbers(store_url) == list(range(1000))


def test_a_process_that_is_terminated_loses_nothing(store_url: str, start: Start) -> None:
    process = start(store_url, 1000, "terminate")
    assert process.stdout is not None
    assert process.stdout.readline() == "logged\n"
    process.terminate()
    assert process.wait(30) == 0
    assert numbers(store_url) == list(range(1000))


def test_a_process_that_is_killed_loses_the_end_alone(store_url: str, start: Start, tmp_path: Path) -> None:
    process = start(store_url, 5, "endless")
    wait_until((tmp_path / "store.db").exists, timeout=30)
    wait_until(lambda: len(numbers(store_url)) > 500, timeout=30)
    written = len(numbers(store_url))
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    left = numbers(store_url)
    assert len(left) >= written
    assert left == list(range(len(left)))


def test_what_the_last_interval_did_not_bring_outlives_a_kill(store_url: str, start: Start) -> None:
    process = start(store_url, 1000, "wait")
    wait_until(lambda: len(numbers(store_url)) == 1000, timeout=30)
    process.kill()
    process.wait(30)
    assert numbers(store_url) == list(range(1000))


def test_the_child_of_a_fork_writes_by_itself(url: str, start: Start) -> None:
    assert start(url, 500, "fork").communicate()[0] == "logged\n0.0\n" * 2
    assert numbers(url) == sorted([*range(1000), *range(500, 1000)])


LIMITED = """
import resource, runpy, sys
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_a_disk_that_takes_no_more_costs_counted_drops_alone(store_url: str) -> None:
    """Every write beyond 200 kB fails, as the kernel says it: the process goes on and ends well."""
    open_store(store_url).close()
    command = [sys.executable, "-c", LIMITED, "200000", str(APP), store_url, "20000", "exit"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    logged, dropped = ended.stdout.split()
    assert logged == "logged"
    kept = numbers(store_url)
    assert float(dropped) >= 20_000 - len(kept) > 0
    assert "Write dropped | target=requests" in ended.stderr


def test_a_folder_that_is_read_only_costs_counted_drops_alone() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        command = [sys.executable, str(APP), f"sqlite:///{name}/store.db", "100", "unprivileged"]
        ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "logged\n100.0\n"
    assert "unable to open database file" in ended.stderr


@pytest.mark.parametrize(
    "server",
    [
        ("uvicorn", "logged_asgi:app"),
        ("gunicorn", "logged_wsgi:app", "--workers=2", "--preload"),
        ("gunicorn", "logged_wsgi:app", "--workers=2"),
    ],
    ids=["uvicorn", "gunicorn-preload", "gunicorn"],
)
def test_a_server_that_is_terminated_loses_nothing(
    server: tuple[str, ...], serve: Serve, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECWATCH_TEST_STORE", store_url)
    served = serve(*server)
    for number in range(20):
        served.get(f"/recommend/{number}")
    served.stop()
    with open_store(store_url) as store, store.transaction() as connection:
        users = connection.execute(sa.select(requests.c.user_id)).scalars()
        assert sorted(map(int, users)) == list(range(20))
