"""One id for everything that a request leaves behind: log lines, error logs, rows, exemplars.

`app.add_middleware(RequestIdMiddleware)` takes the id from the header X-Request-ID, or makes one, and answers
with it. Whatever runs for the request, tasks and threads of `run_in_threadpool` among it, sees `current()`.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from recwatch.web_types import (
    ASGIApp,
    Environ,
    Message,
    Receive,
    Scope,
    Send,
    StartResponse,
    WSGIApp,
    is_whole,
)

__all__ = ["HEADER", "KEY", "RequestIdMiddleware", "WsgiRequestIdMiddleware", "bind", "choose", "current"]

HEADER = "X-Request-ID"
KEY = "recwatch.request_id"
"""Where an ASGI scope, or a WSGI environment, holds the id of its request."""

_HEADER_BYTES = HEADER.lower().encode()
# Nothing in it can end a line, a header or a label, and a sender cannot fill the log with it.
_VALID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_BEGINS_RESPONSE = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})

_current: ContextVar[str | None] = ContextVar(KEY, default=None)


def current() -> str | None:
    """The id of the request that this code runs for; None outside of one."""
    return _current.get()


def choose(given: str | None) -> str:
    """The id that was given, where it is 1 to 128 of `A-Z a-z 0-9 . _ -`; else a new one."""
    if given is not None and _VALID.fullmatch(given):
        return given
    return secrets.token_hex(16)


@contextmanager
def bind(request_id: str | None = None) -> Iterator[str]:
    """Run a block for a request id, such as a task that a request left in a queue.

    Args:
        request_id: None, or one that `choose` does not take, makes a new one.

    Yields:
        The id.
    """
    before = _current.get()
    chosen = choose(request_id)
    _current.set(chosen)
    try:
        yield chosen
    finally:
        # Not by a token: a generator may be closed in another context than the one it was begun in.
        _current.set(before)


class RequestIdMiddleware:
    """Gives every HTTP request and WebSocket an id, for ASGI applications.

    The id stays bound where the application fails, so that the server's line about it carries it: a server
    handles each request in a context of its own.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request; what is neither HTTP nor a WebSocket goes through."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        # The same middleware further out has chosen already.
        chosen = scope.get(KEY) or choose(_given(scope["headers"]))
        scope[KEY] = chosen
        header = (_HEADER_BYTES, chosen.encode("ascii"))

        async def send_with_header(message: Message) -> None:
            if message["type"] in _BEGINS_RESPONSE:
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != _HEADER_BYTES]
                message["headers"] = [*others, header]
            await send(message)

        before = _current.get()
        _current.set(chosen)
        await self.app(scope, receive, send_with_header)
        _current.set(before)


class WsgiRequestIdMiddleware:
    """Gives every request an id, for WSGI applications: `application = WsgiRequestIdMiddleware(application)`.

    The id is bound while the application runs and while the server reads a response that is made bit by bit.

    Args:
        app: the application.
    """

    def __init__(self, app: WSGIApp) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        chosen = environ.get(KEY) or choose(environ.get("HTTP_X_REQUEST_ID"))
        environ[KEY] = chosen

        def start_with_header(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            others = [pair for pair in headers if pair[0].lower() != HEADER.lower()]
            return start_response(status, [*others, (HEADER, chosen)], *exc_info)

        with bind(chosen):
            body = self.app(environ, start_with_header)
        return body if is_whole(body, environ) else _Body(body, chosen)


class _Body:
    """Binds the id while the next part of a response is made, and while it is closed."""

    def __init__(self, body: Iterable[bytes], request_id: str) -> None:
        self._body = body
        self._request_id = request_id
        self._parts: Iterator[bytes] | None = None

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        with bind(self._request_id):
            if self._parts is None:
                self._parts = iter(self._body)
            return next(self._parts)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            with bind(self._request_id):
                close()


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == _HEADER_BYTES:
            return value.decode("latin-1")
    return None
