"""Whether memory stays flat: the process after 10 million requests beside the same after 1 million.

The middleware and `RecommenderMetrics` are driven directly, with paths, ids and items that never come twice,
with methods that nobody knows and paths that no route matches. 10 million take some minutes.
"""

import asyncio
import gc
import sys
from collections.abc import MutableMapping
from typing import Any

import psutil
from prometheus_client import CollectorRegistry

from benchmarks.timing import Row
from recwatch.asgi import MetricsMiddleware
from recwatch.serving import RecommenderMetrics
from recwatch.web_types import Receive, Scope, Send

FIRST, ALL = 1_000_000, 10_000_000
STEP = 1_000_000
MOST = 1.02
_START = {"type": "http.response.start", "status": 200, "headers": []}
_MISSING = {"type": "http.response.start", "status": 404, "headers": []}
_BODY = {"type": "http.response.body", "body": b"[]"}


class _Route:
    path = "/users/{id}/recommendations"
    methods = frozenset({"GET"})
    endpoint = None


class _Application:
    """Answers nine of ten requests with a recommendation, some by a fallback, and one with 404."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.routes = [_Route()]
        self._metrics = RecommenderMetrics("als", registry=registry)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        number = scope["number"]
        if number % 10 == 0:
            await send(_MISSING)
        else:
            scope["route"] = self.routes[0]
            with self._metrics.request(number, topk=3) as request:
                if number % 7 == 0:
                    request.fallback("popularity")
                request.returned((number, number + 1, number + 2))
            await send(_START)
        await send(_BODY)


async def _receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: MutableMapping[str, Any]) -> None:
    return


async def _drive(app: MetricsMiddleware, numbers: range) -> None:
    for number in numbers:
        method = f"M{number}" if number % 100 == 0 else "GET"
        request_id = f"{number:032x}"
        path = f"/users/{number}/recommendations"
        scope = {"type": "http", "method": method, "path": path, "number": number, "headers": []}
        await app({**scope, "recwatch.request_id": request_id}, _receive, _send)


def _resident_megabytes() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 2**20


def run() -> list[Row]:
    """Resident memory; at most 2 % more after ten times as many requests."""
    registry = CollectorRegistry()
    app = MetricsMiddleware(_Application(registry), registry=registry)
    resident = {}
    for done in range(STEP, ALL + 1, STEP):
        asyncio.run(_drive(app, range(done - STEP, done)))
        resident[done] = _resident_megabytes()
        print(f"{done:,} requests: {resident[done]:.1f} MiB", file=sys.stderr)
    return [
        Row(
            f"memory after {ALL:,} requests",
            resident[ALL],
            resident[FIRST],
            f"after {FIRST:,}",
            target=MOST,
            unit="MiB",
        )
    ]
