"""Faults of an HTTP server on request, one for each coming request."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from recwatch.testing.mailbox import Orders
from recwatch.testing.web import WebThread

__all__ = ["Fault", "FaultyServer"]


@dataclass(frozen=True)
class Fault:
    """What to do instead of answering well.

    Attributes:
        code: the status to answer with; None drops the connection in the middle of the answer.
        retry_after: for the header of that name, in seconds.
        done: whether the request is carried out nevertheless, before the answer goes wrong.
        delay: seconds before the answer.
        only: the method of the requests that it is for; any by default.
    """

    code: int | None = 503
    retry_after: int | None = None
    done: bool = False
    delay: float = 0.0
    only: str | None = None


class _FaultyApp:
    """An application that misbehaves on request.

    Args:
        app: what answers otherwise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._orders: Orders[Fault] = Orders()
        self._next: Fault | None = None
        self.requests: list[tuple[str, str]] = []

    def add(self, fault: Fault, times: int) -> None:
        """Misbehave for the next requests that the fault is for."""
        self._orders.add(fault, times)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer well, or carry out the next fault."""
        self.requests.append((scope["method"], scope["path"]))
        self._next = self._next or self._orders.take()
        if self._next is None or self._next.only not in (None, scope["method"]):
            await self._app(scope, receive, send)
            return
        fault, self._next = self._next, None
        if fault.done:
            await self._app(scope, receive, _nowhere)
        await asyncio.sleep(fault.delay)
        if fault.code is None:
            # uvicorn closes the connection of an answer that is shorter than it said.
            length = [(b"content-length", b"1000")]
            await send({"type": "http.response.start", "status": 200, "headers": length})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        await PlainTextResponse("refused on request", fault.code, headers)(scope, receive, send)


async def _nowhere(message: object) -> None:
    """Take an answer that nobody is to see."""


class FaultyServer:
    """The base of fake services with an HTTP API, in a thread of their own.

    Args:
        host: the address to listen on.
        port: 0 takes a free one; `port` then says which.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._faulty = _FaultyApp(Starlette(routes=self._routes()))
        self._web: WebThread | None = None

    @property
    def url(self) -> str:
        """The API's root."""
        return f"http://{self.host}:{self.port}"

    @property
    def requests(self) -> list[tuple[str, str]]:
        """Methods and paths of the requests so far."""
        return list(self._faulty.requests)

    def misbehave(self, fault: Fault, times: int = 1) -> None:
        """Misbehave for the next requests that the fault is for; orders are carried out one after another."""
        self._faulty.add(fault, times)

    def __enter__(self) -> Self:
        listener = socket.create_server((self.host, self.port))
        self.port = listener.getsockname()[1]
        self._web = WebThread(self._faulty, listener, type(self).__name__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._web is not None:
            self._web.stop()

    def _routes(self) -> Sequence[Route]:
        """What the service answers."""
        raise NotImplementedError
