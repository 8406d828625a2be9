"""The bridge's HTTP side: webhooks in, metrics, health and a JSON API out."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry
from sqlalchemy.exc import DatabaseError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch_bridge import outbox, runs
from recwatch_bridge.accept import Accepted, Acceptor
from recwatch_bridge.errors import PayloadError, StoreBusyError
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.payload import Webhook, parse_webhook
from recwatch_bridge.secret import Doorkeeper
from recwatch_bridge.store import Store
from recwatch_bridge.views import message_view, run_view

_MAX_WAITING = 64
"""Webhooks that may wait for the database at once; with more than that, the sender is to come back."""
_BODY_TIMEOUT = 10.0
_MAX_ROWS = 500
_MAX_DIGITS = 15

_T = TypeVar("_T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """What the HTTP side needs of the bridge.

    Attributes:
        acceptor: takes webhooks.
        store: for the JSON API.
        doorkeeper: knows the tokens.
        metrics: where it counts.
        sinks: names of the sinks that exist.
        runs_folder: where runs keep their logs.
        max_body_bytes: of a webhook.
        ailing: returns the names of workers that do not work.
        start: called when the server starts.
        stop: called when the server has stopped serving.
    """

    acceptor: Acceptor
    store: Store
    doorkeeper: Doorkeeper
    metrics: BridgeMetrics
    sinks: Collection[str]
    runs_folder: Path
    max_body_bytes: int
    ailing: Callable[[], Collection[str]]
    start: Callable[[], None]
    stop: Callable[[], None]


def create_app(service: Service, registry: CollectorRegistry) -> Starlette:
    """Build the ASGI application; its lifespan starts and stops the bridge's workers."""
    api = _Api(service)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = Starlette(
        routes=[
            Route("/notify/{sink}", api.notify, methods=["POST"]),
            Route("/actions/retrain", api.retrain, methods=["POST"]),
            Route("/api/v1/runs", api.runs),
            Route("/api/v1/messages", api.messages),
            Route("/-/healthy", api.healthy),
            Route("/-/ready", api.ready),
            Route("/metrics", metrics_endpoint(registry)),
        ],
        exception_handlers={HTTPException: _refuse},
        lifespan=lifespan,
    )
    app.add_middleware(MetricsMiddleware, registry=registry)
    return app


class _Api:
    """The handlers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting = 0

    async def notify(self, request: Request) -> Response:
        self._require(request, {"alerts"})
        sink = request.path_params["sink"]
        if sink not in self._service.sinks:
            known = ", ".join(sorted(self._service.sinks))
            raise HTTPException(404, f"no such sink; bridge.yml has: {known}")
        return await self._accept(request, lambda webhook: self._service.acceptor.notify(sink, webhook))

    async def retrain(self, request: Request) -> Response:
        self._require(request, {"alerts"})
        return await self._accept(request, self._service.acceptor.retrain)

    async def runs(self, request: Request) -> Response:
        self._require(request, {"manage", "alerts"})
        limit = _limit(request)

        def read() -> list[dict[str, Any]]:
            with self._service.store.read() as connection:
                found = runs.newest(connection, limit)
            return [run_view(run, reasons, self._service.runs_folder) for run, reasons in found]

        return await self._read(read)

    async def messages(self, request: Request) -> Response:
        self._require(request, {"manage", "alerts"})
        limit = _limit(request)

        def read() -> list[dict[str, Any]]:
            with self._service.store.read() as connection:
                return [message_view(message) for message in outbox.newest(connection, limit)]

        return await self._read(read)

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _: Request) -> Response:
        ailing = self._service.ailing()
        if ailing:
            return PlainTextResponse(f"not working: {', '.join(sorted(ailing))}\n", 503)
        await self._read(self._ping)
        return PlainTextResponse("ready\n")

    async def _accept(self, request: Request, store: Callable[[Webhook], Accepted]) -> Response:
        body = await _body(request, self._service.max_body_bytes)
        try:
            webhook = parse_webhook(body)
        except PayloadError as error:
            log.warning("%s: refused a webhook: %s", request.url.path, error)
            raise HTTPException(400, str(error)) from error
        if self._waiting >= _MAX_WAITING:
            self._service.metrics.store_errors.labels("accept").inc()
            raise HTTPException(503, "too many webhooks wait for the database: try again")
        self._waiting += 1
        try:
            accepted = await self._guard(run_in_threadpool(store, webhook), "accept")
        finally:
            self._waiting -= 1
        return JSONResponse({"status": "accepted", **asdict(accepted)})

    async def _read(self, read: Callable[[], Any]) -> Response:
        return JSONResponse(await self._guard(run_in_threadpool(read), "read"))

    async def _guard(self, work: Awaitable[_T], operation: str) -> _T:
        try:
            return await work
        except (DatabaseError, StoreBusyError) as error:
            self._service.metrics.store_errors.labels(operation).inc()
            log.exception("the database refused: %s", operation)
            raise HTTPException(503, "the database cannot be used at the moment: try again") from error

    def _ping(self) -> None:
        with self._service.store.read() as connection:
            outbox.backlog(connection, self._service.sinks)

    def _require(self, request: Request, scopes: Collection[str]) -> None:
        allowed = self._service.doorkeeper.scopes(request.headers.get("authorization"))
        if allowed is None:
            raise HTTPException(401, "a valid bearer token is needed", {"WWW-Authenticate": "Bearer"})
        if not allowed & set(scopes):
            raise HTTPException(403, f"this token lacks the scope {' or '.join(sorted(scopes))}")


async def _body(request: Request, limit: int) -> bytes:
    too_large = HTTPException(413, f"the body is larger than max_body_bytes, {limit}")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _MAX_DIGITS or int(declared) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(503, "the body took too long to arrive: try again") from None
    except ClientDisconnect:
        raise HTTPException(400, "the client went away") from None
    return bytes(body)


def _limit(request: Request) -> int:
    value = request.query_params.get("limit", "100")
    if not value.isdecimal() or not 1 <= int(value[:9]) <= _MAX_ROWS:
        raise HTTPException(400, f"limit must be a whole number from 1 to {_MAX_ROWS}")
    return int(value)


async def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise TypeError("only for HTTPException") from error
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
