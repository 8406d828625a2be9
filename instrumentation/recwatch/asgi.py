"""Watch every request of an ASGI application: `app.add_middleware(MetricsMiddleware)`.

And show what was seen: `app.add_route("/metrics", metrics_endpoint())`.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from recwatch.exposition import render
from recwatch.metrics import DroppedWrites, HttpMetrics
from recwatch.routes import RouteTemplates

__all__ = ["MetricsEndpoint", "MetricsMiddleware", "metrics_endpoint"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_CANCELLED = "cancelled"
_ERROR = "500"
_CODES = range(100, 600)


class MetricsMiddleware:
    """Counts requests and times them, by method, route template and status.

    The status is the response's code; `cancelled` where the client went away before the response was
    complete; `500` where the application failed, also after it had begun to answer with another code.
    Unknown methods are `other`, requests that no route answered `unmatched`.

    Args:
        app: the application to watch.
        registry: where the metrics are kept.
    """

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry = REGISTRY) -> None:
        self.app = app
        self._metrics = HttpMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._templates: RouteTemplates | None = None
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; what is no HTTP request goes through unwatched."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                self._announce(scope)
            await self.app(scope, receive, send)
            return
        templates = self._templates or self._announce(scope)
        endpoint_before = scope.get("endpoint")
        exchange = _Exchange(receive, send)
        started = perf_counter()
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            exchange.failed = True
            raise
        except BaseException:
            exchange.disconnected = True
            raise
        finally:
            seconds = perf_counter() - started
            try:
                self._count(scope["method"], templates.find(scope, endpoint_before), exchange.status, seconds)
            except Exception as error:  # noqa: BLE001 - watching must never break the service
                self._dropped.drop("metrics", "error", error)

    def _announce(self, scope: Scope) -> RouteTemplates:
        """Export the application's routes at 0, so that the first failure is a step that `rate()` sees."""
        app = scope.get("app") or self.app
        self._templates = RouteTemplates(app)
        try:
            for method, template in self._templates.methods():
                for status in ("200", _ERROR):
                    self._child(method if method in _METHODS else "other", template, status)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._dropped.drop("metrics", "error", error)
        return self._templates

    def _count(self, method: str, route: str, status: str, seconds: float) -> None:
        requests, duration = self._child(method if method in _METHODS else "other", route, status)
        requests.inc()
        duration.observe(seconds)

    def _child(self, method: str, route: str, status: str) -> tuple[Counter, Histogram]:
        key = (method, route, status)
        found = self._children.get(key)
        if found is None:
            counter = self._metrics.requests.labels(method, route, status)
            found = self._children[key] = (counter, self._metrics.duration.labels(method, route))
        return found


@dataclass(slots=True)
class _Exchange:
    """Listens in on one request and its response."""

    _receive: Receive
    _send: Send
    code: int | None = None
    complete: bool = False
    disconnected: bool = False
    failed: bool = False

    async def receive(self) -> Message:
        message = await self._receive()
        # After the response a server reports every connection as gone.
        if message["type"] == "http.disconnect" and not self.complete:
            self.disconnected = True
        return message

    async def send(self, message: Message) -> None:
        try:
            await self._send(message)
        except OSError:  # how a server tells a sender that the client is gone (ASGI 2.4)
            self.disconnected = True
            raise
        kind = message["type"]
        if kind == "http.response.start":
            self.code = message["status"]
        elif kind == "http.response.pathsend" or (
            kind == "http.response.body" and not message.get("more_body", False)
        ):
            self.complete = True

    @property
    def status(self) -> str:
        if self.disconnected:
            return _CANCELLED
        if self.failed or not self.complete or self.code not in _CODES:
            return _ERROR
        return str(self.code)


class MetricsEndpoint:
    """Answers a scrape. Rendering thousands of series takes long, so a thread does it, not the event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the metrics as text or OpenMetrics, compressed where the scraper takes it."""
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        compress = "gzip" in headers.get("accept-encoding", "")
        names = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("name[]", [])
        body, content_type = await asyncio.to_thread(
            self._render, headers.get("accept", ""), names, compress=compress
        )
        answer = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        if compress:
            answer.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": 200, "headers": answer})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _render(self, accept: str, names: list[str], *, compress: bool) -> tuple[bytes, str]:
        source = self._registry.restricted_registry(names) if names else self._registry
        body, content_type = render(source, accept)
        return gzip.compress(body, compresslevel=1) if compress else body, content_type


def metrics_endpoint(registry: CollectorRegistry = REGISTRY) -> Any:
    """The endpoint for `/metrics`, for Starlette's and FastAPI's `add_route` and as an ASGI application.

    Returns:
        A `MetricsEndpoint`, typed `Any` as `add_route` takes applications but is typed for functions.
    """
    return MetricsEndpoint(registry)
