"""A WSGI application that gunicorn serves in tests; it says which worker answered."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Gauge

from recwatch.serving import RecommenderMetrics
from recwatch.wsgi import MetricsMiddleware, metrics_app

metrics = RecommenderMetrics("als")  # which makes the folder; prometheus_client's own metrics need it
LIVE = Gauge("test_live_workers", "Workers that answered and live.", multiprocess_mode="livesum")
LAST = Gauge("test_last_worker", "The worker that answered last.", multiprocess_mode="mostrecent")
scrape = metrics_app()


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/metrics":
        environ["recwatch.route"] = "/metrics"
        return scrape(environ, start_response)
    if path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/fails":
        raise RuntimeError("as asked")
    environ["recwatch.route"] = path
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/endless":
        return endless()
    if path == "/file":
        return environ["wsgi.file_wrapper"](open(__file__, "rb"))  # type: ignore[no-any-return]  # noqa: PTH123
    LIVE.set(1)
    LAST.set(os.getpid())
    with metrics.request() as request:
        metrics.model_loaded("v1", datetime.now(UTC))
        request.returned([1, 2, 3])
    return [str(os.getpid()).encode()]


application = MetricsMiddleware(app)
