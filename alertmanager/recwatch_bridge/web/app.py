"""The bridge over HTTP: webhooks in, metrics, health, a JSON API and a page for people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch_bridge.delivering import outbox
from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.api_changes import changes
from recwatch_bridge.web.api_reads import reads
from recwatch_bridge.web.headers import SecurityHeaders
from recwatch_bridge.web.markup import Templates
from recwatch_bridge.web.openapi import describe
from recwatch_bridge.web.pages import Pages
from recwatch_bridge.web.refusals import Refusals
from recwatch_bridge.web.service import Service
from recwatch_bridge.web.sessions import Sessions
from recwatch_bridge.web.webhooks import Webhooks

__all__ = ["Service", "create_app"]


def create_app(service: Service, registry: CollectorRegistry) -> FastAPI:
    """Build the ASGI application; its lifespan starts and stops the bridge's workers.

    Args:
        service: the bridge.
        registry: what `/metrics` shows.
    """
    templates = Templates(service.clock)
    sessions = Sessions(service.doorkeeper, service.clock)
    gate = Gate(service.doorkeeper, service.store, sessions, external_url=service.external_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.stop)

    app = FastAPI(
        routes=[
            *Webhooks(service, gate).routes(),
            Route("/metrics", metrics_endpoint(registry)),
            *_health(service),
            *Pages(service, gate, templates).routes(),
        ],
        exception_handlers=Refusals(service.metrics, templates).handlers(),
        lifespan=lifespan,
        # Alertmanager follows none, and one would lead to where the caller's Host header says.
        redirect_slashes=False,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(reads(service, gate))
    app.include_router(changes(service, gate))
    describe(app)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(MetricsMiddleware, registry=registry)
    return app


def _health(service: Service) -> list[Route]:
    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    def ready(_: Request) -> Response:
        ailing = service.ailing()
        if ailing:
            return PlainTextResponse(f"not working: {', '.join(sorted(ailing))}\n", 503)
        with service.store.read() as connection:
            outbox.backlog(connection, service.sinks)
        return PlainTextResponse("ready\n")

    return [Route("/-/healthy", healthy), Route("/-/ready", ready)]
