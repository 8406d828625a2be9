"""How long a scrape of the drift exporter takes with 1,000 checks' results, while its workers run checks."""

import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.timing import Figure, Row
from recwatch.testing import free_port, wait_until

CHECKS = 1_000
ROWS = 20_000
SCRAPES = 300
PAUSE_SECONDS = 0.1
MOST_SECONDS = 0.020
# As Prometheus asks.
HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}
_RAN = re.compile(rb'drift_check_last_success_timestamp_seconds\{check="\w+"\} ([0-9.e+]+)')


def _write_inputs(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("reference", "current"):
        values = pa.table({"rating": rng.integers(1, 11, ROWS) / 2, "user_id": rng.integers(0, 500, ROWS)})
        pq.write_table(values, folder / f"{name}.parquet")
    check = {
        "type": "ks",
        "column": "rating",
        "cluster": "user_id",
        "models": ["als"],
        "reference": {"path": "reference.parquet"},
        "current": {"path": "current.parquet"},
    }
    # Due once a minute each: more than two workers can do, so that they are never idle.
    config = {
        "defaults": {"schedule": {"every": "1m"}},
        "checks": [{"name": f"check_{number}", **check} for number in range(CHECKS)],
    }
    path = folder / "drift.yml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@contextmanager
def _exporter(config: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "recwatch_exporter", f"--config.file={config}"]
    command.append(f"--web.listen-address=127.0.0.1:{port}")
    with (
        (config.parent / "log").open("wb") as log,
        subprocess.Popen(command, cwd=config.parent, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def _scrape(connection: http.client.HTTPConnection, headers: dict[str, str]) -> bytes:
    connection.request("GET", "/metrics", headers=headers)
    return connection.getresponse().read()


def _last_runs(port: int) -> list[float]:
    """When each check that has run last did."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        text = _scrape(connection, {})
    except ConnectionError:
        return []
    finally:
        connection.close()
    return [at for at in map(float, _RAN.findall(text)) if at > 0]


def _all_ran(port: int) -> bool:
    time.sleep(1)  # looking fifty times a second would hold up what is waited for
    return len(_last_runs(port)) == CHECKS


def _latencies(port: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    _scrape(connection, HEADERS)  # opens the connection
    seconds = []
    for _ in range(SCRAPES):
        time.sleep(PAUSE_SECONDS)
        begun = perf_counter()
        _scrape(connection, HEADERS)
        seconds.append(perf_counter() - begun)
    connection.close()
    return seconds


def run() -> Sequence[Row | Figure]:
    """A real exporter with two workers, scraped as Prometheus does."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with _exporter(_write_inputs(Path(folder)), port):
            wait_until(lambda: _all_ran(port), timeout=900, what="a first run of every check")
            before = max(_last_runs(port))
            begun = perf_counter()
            seconds = _latencies(port)
            ran = sum(at > before for at in _last_runs(port)) / (perf_counter() - begun)
    p99 = statistics.quantiles(seconds, n=100)[98] * 1e3
    name = f"p99 of a scrape with {CHECKS:,} checks' results"
    return [
        Figure(
            f"{name}, median {statistics.median(seconds) * 1e3:.1f} ms",
            p99,
            "ms",
            MOST_SECONDS * 1e3,
            at_most=True,
        ),
        Figure("checks that ran meanwhile", ran, "/s", 1.0),
    ]
