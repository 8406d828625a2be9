"""Time requests to a FastAPI application, bare and watched by one library; run in that library's environment.

Requests are direct ASGI calls, without sockets, so that a server's cost hides nothing. Each line on standard
input asks for a round; a line with two times answers it, in µs a request: bare, watched. It is CPU time, as
other programs on the machine are no part of what a request costs. Imports only what its environment has.
"""

# ruff: noqa: PLC0415 - an environment has one of the libraries
import asyncio
import gc
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

from fastapi import FastAPI

REQUESTS = 500


def recwatch(app: FastAPI) -> Callable[[], Any]:
    from recwatch.asgi import MetricsMiddleware
    from recwatch.serving import RecommenderMetrics

    app.add_middleware(MetricsMiddleware)
    metrics = RecommenderMetrics("als")

    def recommend() -> list[int]:
        with metrics.request(17, topk=3) as request:
            items = [1, 2, 3]
            request.returned(items)
            return items

    return recommend


def instrumentator(app: FastAPI) -> Callable[[], Any]:
    from prometheus_fastapi_instrumentator import Instrumentator  # type: ignore[import-not-found]

    Instrumentator().instrument(app)
    return lambda: [1, 2, 3]


def exporter(app: FastAPI) -> Callable[[], Any]:
    from starlette_exporter import PrometheusMiddleware  # type: ignore[import-not-found]

    app.add_middleware(PrometheusMiddleware)
    return lambda: [1, 2, 3]


def bare(_app: FastAPI) -> Callable[[], Any]:
    return lambda: [1, 2, 3]


WATCHERS = {
    "recwatch": recwatch,
    "prometheus-fastapi-instrumentator": instrumentator,
    "starlette_exporter": exporter,
}


def application(watch: Callable[[FastAPI], Callable[[], Any]]) -> FastAPI:
    app = FastAPI()
    recommend = watch(app)

    async def recommendations(user_id: int) -> list[int]:  # noqa: ARG001 - FastAPI reads the signature
        return recommend()  # type: ignore[no-any-return]

    app.add_api_route("/users/{user_id}/recommendations", recommendations)
    return app


async def receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Any) -> None:
    assert message.get("status", 200) == 200


async def drive(app: FastAPI) -> float:
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
    return (process_time() - begun) / REQUESTS * 1e6


async def main(name: str) -> None:
    apps = application(bare), application(WATCHERS[name])
    for app in apps * 2:
        await drive(app)
    gc.freeze()
    for _ in sys.stdin:
        print(*[await drive(app) for app in apps], flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
