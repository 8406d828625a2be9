"""A folder that several processes share and that is missing, full or taken away: the service goes on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter

from recwatch.guarded import Postponed

SERVICE = """
import asyncio, logging, shutil, sys
from datetime import UTC, datetime
from pathlib import Path
from prometheus_client import REGISTRY
from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch.guarded import Postponed
from recwatch.metrics import HttpMetrics
from recwatch.serving import RecommenderMetrics
from recwatch.testing import wait_until

logging.basicConfig(format="%(message)s", stream=sys.stdout)
metrics = RecommenderMetrics("als")

async def app(scope, receive, send):
    with metrics.request() as request:
        request.returned([1, 2])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

async def get(app):
    sent = []
    async def send(message):
        sent.append(message)
    await app({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send)
    return sent[0]["status"], sent[1]["body"].decode()

watched = MetricsMiddleware(app)
metrics.model_loaded("v1", datetime.now(UTC))
for _ in range(3):
    assert asyncio.run(get(watched)) == (200, "ok")
"""


def run(code: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", SERVICE + code],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    out = run("print(asyncio.run(get(metrics_endpoint()))[1])", tmp_path / "to be" / "made")
    assert "Write dropped" not in out
    assert 'recommender_requests_total{model="als",outcome="success",variant="default"} 3.0' in out


def test_a_folder_that_cannot_be_written_costs_a_log_line_and_the_counts(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.touch()  # no folder at all: root may write to one that is read-only
    out = run("print(asyncio.run(get(metrics_endpoint())))", folder)
    assert out.count("Write dropped | target=metrics, reason=folder") == 1
    assert "(500, 'PROMETHEUS_MULTIPROC_DIR names no folder" in out


def test_what_a_folder_did_not_take_at_first_is_kept_once_it_does(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.touch()
    code = f"""
Path({str(folder)!r}).unlink()
def counted():
    assert asyncio.run(get(watched)) == (200, "ok")
    text = asyncio.run(get(metrics_endpoint()))[1]
    return all(name in text for name in (
        'http_requests_total{{method="GET",route="unmatched",status="200"}}',
        'recommender_requests_total{{model="als",outcome="success",variant="default"}}',
    ))
wait_until(counted)
"""
    assert "Write dropped | target=metrics, reason=folder" in run(code, folder)


def test_a_series_tries_again_once_a_second_and_says_what_it_loses() -> None:
    now, tries = 0.0, 0
    lost: list[OSError] = []
    errors = [OSError("first"), OSError("second")]
    counter = Counter("runs", "Runs.", registry=None)

    def make() -> Counter:
        nonlocal tries
        tries += 1
        if errors:
            raise errors.pop(0)
        return counter

    series = Postponed(make, lost.append, OSError("at once"), clock=lambda: now)
    for now in (0.0, 0.5, 1.0, 1.5, 2.0, 2.9):  # noqa: B007 - the clock reads it
        series.inc()
    assert (tries, [str(error) for error in lost]) == (2, ["at once"] * 2 + ["first"] * 2 + ["second"] * 2)
    for now in (3.0, 3.1):  # noqa: B007 - the clock reads it
        series.inc(2)
    assert (tries, len(lost), counter._value.get()) == (3, 6, 4)


@pytest.mark.parametrize("write", ["inc", "dec", "set", "observe"])
def test_every_way_to_write_goes_through_or_is_lost(write: str) -> None:
    class Series:
        def __getattr__(self, name: str) -> Any:
            return lambda *given: written.append((name, *given))

    now = 0.0
    lost: list[OSError] = []
    written: list[tuple[object, ...]] = []
    series = Postponed(Series, lost.append, OSError("full"), clock=lambda: now)
    getattr(series, write)(1.0)
    assert (len(lost), written) == (1, [])
    now = 1.0
    getattr(series, write)(1.0)
    assert (len(lost), written) == (1, [(write, 1.0)])


def test_a_folder_that_is_taken_away_costs_new_series_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    code = f"""
shutil.rmtree({str(folder)!r})
assert asyncio.run(get(watched)) == (200, "ok")
lost = HttpMetrics.of(REGISTRY).requests.labels("GET", "/new", "200")
assert isinstance(lost, Postponed)
lost.inc(5)
assert not Path({str(folder)!r}).exists()
"""
    assert "Write dropped | target=metrics, reason=folder" in run(code, folder)


def test_a_full_disk_ends_no_process(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    folder = tmp_path / "small"
    folder.mkdir()
    # A disk of 1.5 MiB of our own, that no other process sees. Without a look at the room first, the process
    # ends by SIGBUS. As it is, it goes on, and the series that were there before still count.
    code = f"""
folder = Path({str(folder)!r})
with open(folder / "fill", "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
for number in range(1000):
    HttpMetrics.of(REGISTRY).requests.labels("GET", f"/{{number}}", "200").inc()
assert asyncio.run(get(watched)) == (200, "ok")
text = asyncio.run(get(metrics_endpoint()))[1]
for line in text.splitlines():
    if line.startswith(("http_requests_total", "recwatch_dropped_writes_total")):
        print(line)
"""
    script = f'mount -t tmpfs -o size=1536k tmpfs {folder} && exec {sys.executable} -c "$CODE"'
    try_out = [unshare or "unshare", "--user", "--map-root-user", "--mount", "true"]
    can = unshare is not None and subprocess.run(try_out, capture_output=True, check=False).returncode == 0
    if not can:
        pytest.skip("no mount of our own can be made here: the kernel forbids user namespaces")
    result = subprocess.run(
        [*try_out[:-1], "sh", "-c", script],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "CODE": SERVICE + code},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    lines = dict(line.rsplit(" ", 1) for line in result.stdout.splitlines() if " | " not in line)
    assert lines['http_requests_total{method="GET",route="unmatched",status="200"}'] == "4.0"
    assert float(lines['recwatch_dropped_writes_total{reason="folder",target="metrics"}']) >= 1000
    assert "too little room for another series" in result.stdout
