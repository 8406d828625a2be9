"""Watch every request of an ASGI application: `app.add_middleware(MetricsMiddleware)`.

And show what was seen: `app.add_route("/metrics", metrics_endpoint())`.
"""

import asyncio
from time import perf_counter
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.http import CANCELLED, ERROR, HttpRecorder, Status
from recwatch.lifetime import flush_all
from recwatch.routes import RouteTemplates
from recwatch.scrape import Scrape, answer
from recwatch.web_types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["MetricsEndpoint", "MetricsMiddleware", "metrics_endpoint"]

# What carries a response's body, or a file that the server sends by itself; the last one says of no more.
_BODY = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
# Where a scope names the registry that counts its request already; only mounted applications are told.
_WATCHED = "recwatch.watched"


class MetricsMiddleware:
    """Counts requests and times them, by method, route template and status.

    The status is the response's code; `cancelled` where the client went away before the response was
    complete; `500` where the application failed before that, also after it had begun to answer with another
    code. A request is over when the last part of its response has been sent: background tasks are no part of
    it. Unknown methods are `other`, requests that no route answered `unmatched`. Of a streamed response the
    time to the first byte of the body is observed as well. `scope["recwatch.request_id"]` is an exemplar.

    A mounted application that has the middleware too counts nothing a second time. WebSockets go through
    unwatched: a connection that stays open for hours is no request.

    Args:
        app: the application to watch.
        registry: where the metrics are kept.
    """

    def __init__(self, app: ASGIApp, *, registry: CollectorRegistry = REGISTRY) -> None:
        self.app = app
        self._registry = registry
        self._recorder = HttpRecorder(registry)
        self._templates: RouteTemplates | None = None

    # One function with closures, not an object with methods: that would cost each request half as much again.
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901, PLR0915
        """Handle a request; what is no HTTP request goes through unwatched."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                self._announce(scope)
                send = _flushing(send)
            await self.app(scope, receive, send)
            return
        templates = self._templates or self._announce(scope)
        endpoint_before = scope.get("endpoint")
        if endpoint_before is not None and scope.get(_WATCHED) is self._registry:
            await self.app(scope, receive, send)
            return
        if templates.mounts:
            scope[_WATCHED] = self._registry
        recorder = self._recorder
        code = 0
        complete = disconnected = False
        first_byte: float | None = None

        async def watched_receive() -> Message:
            nonlocal disconnected
            message = await receive()
            # After the response a server reports every connection as gone.
            if message["type"] == "http.disconnect" and not complete:
                disconnected = True
            return message

        async def watched_send(message: Message) -> None:
            nonlocal code, complete, disconnected, first_byte
            try:
                await send(message)
            except OSError:  # how a server tells a sender that the client is gone (ASGI 2.4)
                disconnected = True
                raise
            kind = message["type"]
            if kind == "http.response.start":
                code = message["status"]
            elif kind in _BODY:
                if not message.get("more_body"):
                    if not complete:
                        complete = True
                        seconds = perf_counter() - started
                        try:  # what `_record_unfinished` does; but a call would show in each request
                            recorder.record(
                                scope["method"],
                                templates.single.get(id(scope.get("route")))
                                or templates.find(scope, endpoint_before),
                                CANCELLED if disconnected else code,
                                seconds,
                                first_byte,
                                scope.get("recwatch.request_id"),
                            )
                        except Exception as error:  # noqa: BLE001 - watching must never break the service
                            recorder.give_up(error)
                elif first_byte is None and message.get("body"):
                    first_byte = perf_counter() - started

        started = perf_counter()
        try:
            await self.app(scope, watched_receive, watched_send)
        except Exception:
            raise
        except BaseException:
            disconnected = True
            raise
        finally:
            if not complete:
                seconds = perf_counter() - started
                status: Status = CANCELLED if disconnected else ERROR
                self._record_unfinished(templates, scope, endpoint_before, status, seconds, first_byte)

    def _record_unfinished(  # noqa: PLR0917 - as `HttpRecorder.record`
        self,
        templates: RouteTemplates,
        scope: Scope,
        endpoint_before: object,
        status: Status,
        seconds: float,
        first_byte: float | None,
    ) -> None:
        try:
            route = templates.find(scope, endpoint_before)
            request_id = scope.get("recwatch.request_id")
            self._recorder.record(scope["method"], route, status, seconds, first_byte, request_id)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._recorder.give_up(error)

    def _announce(self, scope: Scope) -> RouteTemplates:
        self._templates = RouteTemplates(scope.get("app") or self.app)
        try:
            methods = self._templates.methods()
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._recorder.give_up(error)
        else:
            self._recorder.announce(methods)
        return self._templates


def _flushing(send: Send) -> Send:
    """Write what waits before the server hears of the application's end: it may end the process then."""

    async def send_after_flush(message: Message) -> None:
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            await asyncio.to_thread(flush_all)
        await send(message)

    return send_after_flush


class MetricsEndpoint:
    """Answers a scrape. Rendering thousands of series takes long, so a thread does it, not the event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def answer(self, *, accept: str, accept_encoding: str, query: str) -> Scrape:
        """What is sent, by the request's headers and query string; runs in a thread."""
        return answer(self._registry, accept=accept, accept_encoding=accept_encoding, query=query)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the metrics as text or OpenMetrics, compressed where the scraper takes it."""
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        scrape = await asyncio.to_thread(
            self.answer,
            accept=headers.get("accept", ""),
            accept_encoding=headers.get("accept-encoding", ""),
            query=scope.get("query_string", b"").decode("latin-1"),
        )
        pairs = [(key.lower().encode(), value.encode()) for key, value in scrape.headers.items()]
        await send({"type": "http.response.start", "status": scrape.status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else scrape.body})


def metrics_endpoint(registry: CollectorRegistry = REGISTRY) -> Any:
    """The endpoint for `/metrics`, for Starlette's and FastAPI's `add_route` and as an ASGI application.

    Returns:
        A `MetricsEndpoint`, typed `Any` as `add_route` takes applications but is typed for functions.

    Raises:
        TypeError: when it is given something that is no registry, such as the request that a framework hands
            to this function where `metrics_endpoint` was added instead of `metrics_endpoint()`.
    """
    if not hasattr(registry, "collect"):
        raise TypeError(
            f"a registry is needed, not a {type(registry).__name__}: register the endpoint with parentheses, "
            'as app.add_route("/metrics", metrics_endpoint())'
        )
    return MetricsEndpoint(registry)
