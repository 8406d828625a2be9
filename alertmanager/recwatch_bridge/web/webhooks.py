"""What Alertmanager posts: validated, stored in one transaction, answered; as little work as possible."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recwatch_bridge.accepting.accept import Accepted
from recwatch_bridge.accepting.payload import Webhook, parse_webhook
from recwatch_bridge.errors import PayloadError
from recwatch_bridge.web.access import Gate
from recwatch_bridge.web.body import read_body
from recwatch_bridge.web.refusals import STORE_ERRORS, Overloaded, Refused
from recwatch_bridge.web.service import Service

_MOST_WAITING = 256
"""Webhooks that may wait for the database at once; with more than that, the sender is to come back."""

Submit = Callable[[Webhook], Future[Accepted]]

log = logging.getLogger(__name__)


class Webhooks:
    """The handlers.

    Args:
        service: the bridge.
        gate: knows who may.
    """

    def __init__(self, service: Service, gate: Gate) -> None:
        self._service = service
        self._gate = gate
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Plain routes: nothing else stands between the server and the database."""
        acceptor = self._service.acceptor
        return [
            Route("/notify/{sink}", self._notify, methods=["POST"]),
            Route("/actions/retrain", self._into(acceptor.submit_retrain), methods=["POST"]),
            Route("/actions/rollback", self._into(acceptor.submit_rollback), methods=["POST"]),
            Route("/watchdog", self._into(acceptor.submit_watchdog), methods=["POST"]),
        ]

    async def _notify(self, request: Request) -> Response:
        self._gate.webhook(request)
        sink = request.path_params["sink"]
        if sink not in self._service.sinks:
            known = ", ".join(sorted(self._service.sinks))
            raise Refused(404, f"no such sink; bridge.yml has: {known}")
        return await self._accept(
            request, lambda webhook: self._service.acceptor.submit_notify(sink, webhook)
        )

    def _into(self, submit: Submit) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            self._gate.webhook(request)
            return await self._accept(request, submit)

        return handle

    async def _accept(self, request: Request, submit: Submit) -> Response:
        body = await read_body(request, self._service.max_body_bytes, "max_body_bytes")
        try:
            webhook = parse_webhook(body)
        except PayloadError as error:
            raise Refused(400, str(error)) from error
        if self._waiting >= _MOST_WAITING:
            raise Overloaded("too many webhooks wait for the database: try again")
        self._waiting += 1
        try:
            accepted = await asyncio.wrap_future(submit(webhook))
        except STORE_ERRORS as error:
            self._service.metrics.store_errors.labels("accept").inc()
            log.exception("%s: the database refused a webhook", request.url.path)
            raise Overloaded("the database cannot be used at the moment: try again") from error
        finally:
            self._waiting -= 1
        return JSONResponse({"status": "accepted", **asdict(accepted)})
