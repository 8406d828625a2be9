"""What the middleware adds to a request, beside a route of Starlette that answers with a short text."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.timing import Row, compare
from recwatch.asgi import ASGIApp, MetricsMiddleware

REQUESTS = 5_000


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def _application(*, watched: bool) -> ASGIApp:
    app = Starlette(routes=[Route("/hello/{name}", _hello)])
    if watched:
        app.add_middleware(MetricsMiddleware, registry=CollectorRegistry())
    return app


async def _receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: MutableMapping[str, Any]) -> None:
    return


def _drive(app: ASGIApp) -> None:
    async def requests() -> None:
        for number in range(REQUESTS):
            path = f"/hello/{number}"
            scope = {
                "type": "http",
                "method": "GET",
                "path": path,
                "raw_path": path.encode(),
                "query_string": b"",
                "headers": [],
                "root_path": "",
                "scheme": "http",
                "http_version": "1.1",
                "server": ("127.0.0.1", 80),
                "client": ("127.0.0.1", 1),
            }
            await app(scope, _receive, _send)

    asyncio.run(requests())


def run() -> list[Row]:
    """A watched application beside the same one unwatched."""
    watched, bare = _application(watched=True), _application(watched=False)
    return [
        compare(
            f"{REQUESTS:,} requests, watched",
            lambda: _drive(watched),
            lambda: _drive(bare),
            "the same application unwatched",
        )
    ]
