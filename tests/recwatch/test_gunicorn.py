"""A real gunicorn with several sync workers: restarts, reloads and kills."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import requests

from recwatch.testing import wait_until
from recwatch.worker_files import worker_files

LABELS = {"method": "GET", "route": "/work", "status": "200"}


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def start(serve: Any, shared: Path, *options: str) -> Any:
    command = ("gunicorn", "wsgi_app:application", "--config=python:recwatch.gunicorn", "--workers=2")
    return serve(*command, *options, folder=shared)


def work(server: Any, times: int) -> set[int]:
    return {int(server.get("/work").text) for _ in range(times)}


def test_counts_survive_workers_that_are_replaced_after_some_requests(serve: Any, shared: Path) -> None:
    server = start(serve, shared, "--max-requests=5", "--preload")
    pids: set[int] = set()
    for total in (20, 40):
        pids |= work(server, 20)
        samples = server.samples()
        assert samples["http_requests_total", frozenset(LABELS.items())] == total
        ours = {"model": "als", "variant": "default", "outcome": "success"}
        assert samples["recommender_requests_total", frozenset(ours.items())] == total
    assert len(pids) > 4
    # However many ended, the folder holds the files of those that live, and one archive.
    wait_until(lambda: server.samples() and {file.process for file in worker_files(shared)} <= living(server))
    assert len(list(shared.glob("ended-*"))) == 1


def living(server: Any) -> set[str]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {*children, str(server.process.pid)}


def test_counts_survive_a_reload_and_live_gauges_do_not(serve: Any, shared: Path) -> None:
    server = start(serve, shared)
    old: set[int] = set()
    done = 0
    while len(old) < 2:
        old |= work(server, 5)
        done += 5
    assert server.value("test_live_workers") == 2
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not {str(pid) for pid in old} & living(server), timeout=30)
    assert server.value("test_live_workers") == 0
    assert server.value("recommender_model_info", model="als", version="v1") is None
    assert server.value("http_requests_total", **LABELS) == done
    assert int(server.value("test_last_worker") or 0) in old
    work(server, 5)
    assert server.value("http_requests_total", **LABELS) == done + 5
    assert server.value("http_request_duration_seconds_count", method="GET", route="/work") == done + 5


def test_a_killed_worker_is_counted_once_and_its_live_gauges_go(serve: Any, shared: Path) -> None:
    server = start(serve, shared)
    pids: set[int] = set()
    done = 0
    while len(pids) < 2:
        pids |= work(server, 5)
        done += 5
    with pytest.raises(requests.ConnectionError):
        server.get("/die")
    wait_until(lambda: server.value("test_live_workers") == 1, timeout=30)
    assert server.value("http_requests_total", **LABELS) == done
    for _ in range(3):
        assert server.value("http_requests_total", **LABELS) == done


def test_the_next_start_begins_with_nothing_and_needs_no_folder(serve: Any, tmp_path: Path) -> None:
    shared = tmp_path / "made by the hook"
    first = start(serve, shared)
    work(first, 5)
    first.stop()
    second = start(serve, shared)
    assert second.value("http_requests_total", **LABELS) is None
    work(second, 5)
    assert second.value("http_requests_total", **LABELS) == 5


def test_a_preloaded_application_counts_in_a_folder_that_is_still_to_be_made(
    serve: Any, tmp_path: Path
) -> None:
    server = start(serve, tmp_path / "not yet there", "--preload")
    work(server, 6)
    assert server.value("http_requests_total", **LABELS) == 6
    ours = {"model": "als", "variant": "default", "outcome": "success"}
    assert server.value("recommender_requests_total", **ours) == 6


def test_an_asgi_application_on_uvicorns_workers(serve: Any, shared: Path) -> None:
    pytest.importorskip("uvicorn.workers")
    command = ("gunicorn", "asgi_app:app", "--config=python:recwatch.gunicorn", "--workers=2")
    server = serve(*command, "--worker-class=uvicorn.workers.UvicornWorker", folder=shared)
    pids: set[int] = set()
    done = 0
    while len(pids) < 2:
        pids |= {int(server.get("/work/1").text) for _ in range(5)}
        done += 5
    labels = {**LABELS, "route": "/work/{id}"}
    assert server.value("http_requests_total", **labels) == done
    os.kill(pids.pop(), signal.SIGKILL)
    wait_until(lambda: server.value("test_live_workers") == 1, timeout=30)
    assert server.value("http_requests_total", **labels) == done


def test_a_failure_a_file_and_a_client_that_hangs_up(serve: Any, shared: Path) -> None:
    server = start(serve, shared)
    assert server.get("/fails").status_code == 500
    assert b"gunicorn serves" in server.get("/file").content
    with requests.get(f"{server.url}/endless", stream=True, timeout=10) as response:
        next(response.iter_content(1024))
    labels = {"method": "GET", "route": "/endless", "status": "cancelled"}
    wait_until(lambda: server.value("http_requests_total", **labels) == 1, timeout=30)
    assert server.value("http_requests_total", method="GET", route="unmatched", status="500") == 1
    assert server.value("http_requests_total", method="GET", route="/file", status="200") == 1
    assert server.value("http_time_to_first_byte_seconds_count", method="GET", route="/endless") == 1


def test_the_hooks_do_nothing_where_one_process_counts(serve: Any) -> None:
    server = serve("gunicorn", "wsgi_app:application", "--config=python:recwatch.gunicorn")
    assert os.getpid() not in work(server, 3)
    assert server.value("http_requests_total", **LABELS) == 3


def test_several_workers_without_a_folder_are_told_of(serve: Any) -> None:
    hint = "2 workers, each of which shows its own counts alone: set PROMETHEUS_MULTIPROC_DIR to a folder"
    command = ("gunicorn", "wsgi_app:application", "--config=python:recwatch.gunicorn")
    assert serve(*command, "--workers=2").log.read_text().count(hint) == 1
    assert hint not in serve(*command).log.read_text()
