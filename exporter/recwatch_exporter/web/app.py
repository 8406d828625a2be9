"""The exporter over HTTP: metrics, health, pages, what the checks found, and two commands behind a token."""

import hmac
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from recwatch.errors import ConfigError
from recwatch_exporter.exporter import Exporter, ReloadBusyError
from recwatch_exporter.exposition import Exposition, ScrapeEndpoint
from recwatch_exporter.report import describe
from recwatch_exporter.web.api import check_json, json_response
from recwatch_exporter.web.headers import SecurityHeaders
from recwatch_exporter.web.pages import error_page, page_routes


def create_app(
    exporter: Exporter,
    registry: CollectorRegistry,
    token: str | None,
    *,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The exporter's web application.

    Args:
        exporter: started already.
        registry: what `/metrics` shows where names are picked; the rest is written faster.
        token: the bearer token of the commands; None refuses them all.
        clock: Unix time, as pages show it.
    """
    exposition = Exposition(exporter.state, exporter.reload_status, exporter.storage)

    def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    def ready(_: Request) -> Response:
        return PlainTextResponse("ready\n")

    def checks(_: Request) -> Response:
        return json_response([row for state in exporter.state.all() for row in describe(state)])

    def check(request: Request) -> Response:
        name = request.path_params["check"]
        state = exporter.state.get(name)
        if state is None:
            return json_response({"error": f"no check {name}: GET /api/v1/checks lists them"}, status=404)
        return json_response(check_json(state, exporter.state.history(name)))

    def reload(_: Request) -> Response:
        try:
            exporter.reload()
        except (ConfigError, ReloadBusyError) as error:
            busy = isinstance(error, ReloadBusyError)
            return PlainTextResponse(f"{error}\n", status_code=503 if busy else 400)
        return PlainTextResponse("reloaded\n")

    def run(request: Request) -> Response:
        name = request.path_params["check"]
        if not exporter.run(name):
            known = ", ".join(state.check.name for state in exporter.state.all())
            return PlainTextResponse(f"no check of that name: choose one of {known}\n", status_code=404)
        return PlainTextResponse("accepted\n", status_code=202)

    # Plain functions run in a thread of their own, so that none holds up the event loop.
    return Starlette(
        routes=[
            Route("/metrics", ScrapeEndpoint(exposition, registry)),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
            Route("/-/reload", _guarded(reload, token), methods=["POST"]),
            Route("/-/run/{check}", _guarded(run, token), methods=["POST"]),
            Route("/api/v1/checks", checks),
            Route("/api/v1/checks/{check}", check),
            *page_routes(exporter, clock),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: error_page, Exception: error_page},
    )


def _guarded(endpoint: Callable[[Request], Response], token: str | None) -> Callable[[Request], Any]:
    def guarded(request: Request) -> Response:
        if token is None:
            return PlainTextResponse("refused: start the exporter with --web.token-file\n", status_code=403)
        # Starlette reads a header as Latin-1: that gives its bytes back, which are UTF-8 where a token is.
        scheme, _, given = request.headers.get("authorization", "").encode("latin-1").partition(b" ")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(b" "), token.encode()):
            return PlainTextResponse(
                "send the token: Authorization: Bearer ...\n",
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return endpoint(request)

    return guarded
