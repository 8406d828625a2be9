"""How long a request waits while 2,000 histogram children are scraped: a real uvicorn, real clients."""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from benchmarks.timing import Figure, Row
from recwatch.testing import free_port, wait_until

CHILDREN = 2_000
REQUESTS = 600
ROUNDS = 3
MOST_SECONDS = 0.010

SERVICE = f"""
import sys
import uvicorn
from prometheus_client import Histogram
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from recwatch.asgi import MetricsMiddleware, metrics_endpoint

histogram = Histogram("work_seconds", "Work.", ["item"])
for item in range({CHILDREN}):
    histogram.labels(str(item)).observe(0.1)

async def cheap(request):
    return PlainTextResponse("ok")

app = Starlette()
app.add_route("/cheap", cheap)
app.add_route("/metrics", metrics_endpoint())
app.add_middleware(MetricsMiddleware)
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""

# A scraper in a process of its own, so that its work is not the client's. One scrape follows the other.
SCRAPER = """
import http.client, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
while True:
    begun = time.perf_counter()
    connection.request("GET", "/metrics")
    size = len(connection.getresponse().read())
    print(time.perf_counter() - begun, size, flush=True)
"""


@contextmanager
def _python(code: str, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, str(port)]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _latencies(port: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    seconds = []
    for _ in range(REQUESTS):
        begun = perf_counter()
        connection.request("GET", "/cheap")
        connection.getresponse().read()
        seconds.append(perf_counter() - begun)
        time.sleep(0.002)
    connection.close()
    return seconds


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/cheap")
        return connection.getresponse().status == 200
    except ConnectionError:
        return False


def _measure(environment: dict[str, str]) -> tuple[float, float, float]:
    """Medians over the rounds: p99 in peace, p99 during scrapes, duration of a scrape; in seconds."""
    port = free_port()
    peace, scraped, durations = [], [], []
    with _python(SERVICE, port, environment):
        wait_until(lambda: _answers(port), timeout=60)
        for _ in range(ROUNDS):
            peace.append(_p99(_latencies(port)))
            with _python(SCRAPER, port, {}) as scraper:
                assert scraper.stdout is not None
                scraper.stdout.readline()
                scraped.append(_p99(_latencies(port)))
                durations.append(float(scraper.stdout.readline().split()[0]))
    return tuple(statistics.median(values) for values in (peace, scraped, durations))  # type: ignore[return-value]


def run() -> Sequence[Row | Figure]:
    """Single process, then a folder that several processes share."""
    rows: list[Row | Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for mode, environment in (
            ("one process", {}),
            ("multiprocess", {"PROMETHEUS_MULTIPROC_DIR": folder}),
        ):
            peace, scraped, duration = _measure(environment)
            rows += [
                Figure(
                    f"p99 of a request during a scrape of {CHILDREN:,} histogram children, {mode}",
                    scraped * 1e3,
                    "ms",
                    MOST_SECONDS * 1e3,
                    at_most=True,
                ),
                Row(
                    f"the same, a scrape taking {duration:.2f} s, {mode}",
                    scraped * 1e3,
                    peace * 1e3,
                    "without a scrape",
                    unit="ms",
                ),
            ]
    return rows
