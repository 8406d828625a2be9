"""Time requests to a FastAPI application, bare and watched by one library; run in that library's environment.

Requests are direct ASGI calls, without sockets, so that a server's cost hides nothing. Each line on standard
input asks for a round; a line with two times answers it, in µs a request: bare, watched. It is CPU time of
the process, all its threads, as other programs on the machine are no part of what a request costs. What a
request leaves to a recorder's thread is done, and in the time, before a round is over. Imports only what its
environment has.
"""

# ruff: noqa: PLC0415 - an environment has one of the libraries
import asyncio
import gc
import sys
from collections.abc import Callable
from time import process_time
from typing import Any, NamedTuple

from fastapi import FastAPI

REQUESTS = 500


class Watched(NamedTuple):
    """How a request is answered, and what a round ends with."""

    recommend: Callable[[], Any] = lambda: [1, 2, 3]
    finish: Callable[[], object] = lambda: None


def recwatch(app: FastAPI) -> Watched:
    from recwatch.asgi import MetricsMiddleware
    from recwatch.serving import RecommenderMetrics

    app.add_middleware(MetricsMiddleware)
    metrics = RecommenderMetrics("als")

    def recommend() -> list[int]:
        with metrics.request(17, topk=3) as request:
            items = [1, 2, 3]
            request.returned(items)
            return items

    return Watched(recommend)


def recwatch_scores(app: FastAPI) -> Watched:
    """As above, and the model's scores of the items become a histogram in the recorder's thread."""
    from recwatch.asgi import MetricsMiddleware
    from recwatch.recorder import Recorder
    from recwatch.scores import Scores
    from recwatch.serving import RecommenderMetrics

    app.add_middleware(MetricsMiddleware)
    # Batches are made at the end of a round, not by the clock: a round has the work of its own requests.
    recorder = Recorder([Scores()], interval=3600.0)
    metrics = RecommenderMetrics("als", recorder=recorder)
    items, scores = [1, 2, 3], [0.9, 0.7, 0.4]

    def recommend() -> list[int]:
        with metrics.request(17, topk=3) as request:
            request.returned(items, scores=scores)
            return items

    def finish() -> None:
        assert recorder.flush()

    return Watched(recommend, finish)


def instrumentator(app: FastAPI) -> Watched:
    from prometheus_fastapi_instrumentator import Instrumentator  # type: ignore[import-not-found]

    Instrumentator().instrument(app)
    return Watched()


def exporter(app: FastAPI) -> Watched:
    from starlette_exporter import PrometheusMiddleware  # type: ignore[import-not-found]

    app.add_middleware(PrometheusMiddleware)
    return Watched()


def bare(_app: FastAPI) -> Watched:
    return Watched()


WATCHERS = {
    "recwatch": recwatch,
    "recwatch, scores": recwatch_scores,
    "prometheus-fastapi-instrumentator": instrumentator,
    "starlette_exporter": exporter,
}


def application(watch: Callable[[FastAPI], Watched]) -> tuple[FastAPI, Callable[[], object]]:
    app = FastAPI()
    recommend, finish = watch(app)

    async def recommendations(user_id: int) -> list[int]:  # noqa: ARG001 - FastAPI reads the signature
        return recommend()  # type: ignore[no-any-return]

    app.add_api_route("/users/{user_id}/recommendations", recommendations)
    return app, finish


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
    assert message.get("status", 200) == 200


async def drive(app: FastAPI, finish: Callable[[], object]) -> float:
    """µs of CPU time a request."""
    begun = process_time()
    for number in range(REQUESTS):
        path = f"/users/{number}/recommendations"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1")],
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
        }
        await app(scope, receive, send)
    finish()
    return (process_time() - begun) / REQUESTS * 1e6


async def main(name: str) -> None:
    apps = application(bare), application(WATCHERS[name])
    for app, finish in apps * 2:
        await drive(app, finish)
    gc.freeze()
    for _ in sys.stdin:
        print(*[await drive(app, finish) for app, finish in apps], flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
