"""Watch every request of a WSGI application: `application = MetricsMiddleware(application)`.

And show what was seen: mount `metrics_app()` at `/metrics`. A Django project takes `recwatch.django` instead.
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from time import perf_counter
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.http import CANCELLED, ERROR, HttpRecorder, Status
from recwatch.routes import UNMATCHED, readable
from recwatch.scrape import answer
from recwatch.web_types import Environ, StartResponse, WSGIApp, is_whole

__all__ = ["MetricsMiddleware", "metrics_app", "route_in_environ"]


def route_in_environ(environ: Environ) -> str | None:
    """The route that a framework left in the environment of its request.

    `recwatch.route`, which an application may set itself, or the rule of Flask, or of Bottle.

    Returns:
        A template such as `/users/{id}`; None where there is none.
    """
    own = environ.get("recwatch.route")
    if own is not None:
        return str(own)
    flask = getattr(environ.get("werkzeug.request"), "url_rule", None)
    if flask is not None:
        return readable(str(flask.rule))
    bottle = getattr(environ.get("bottle.route"), "rule", None)
    return None if bottle is None else readable(str(bottle), name_first=True)


class MetricsMiddleware:
    """Counts requests and times them, as `recwatch.asgi.MetricsMiddleware` does.

    A request is over when the server has taken the last part of the response, or has closed it before: then
    the client went away, and the status is `cancelled`. A list, which is all there is, and a file that the
    server sends by itself (`wsgi.file_wrapper`) are over when the application returns them.

    Args:
        app: the application to watch.
        route: finds the route's template in the environment after the application has run; None means
            `unmatched`.
        registry: where the metrics are kept.
    """

    def __init__(
        self,
        app: WSGIApp,
        *,
        route: Callable[[Environ], str | None] = route_in_environ,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.app = app
        self.route = route
        self.recorder = HttpRecorder(registry)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        exchange = _Exchange(self, environ, start_response)
        try:
            body = self.app(environ, exchange.start_response)
        except BaseException:
            exchange.finish(ERROR)
            raise
        if is_whole(body, environ):
            exchange.finish(exchange.code)
            return body
        return _Body(body, exchange)


class _Exchange:
    """One request under way."""

    def __init__(
        self, middleware: MetricsMiddleware, environ: Environ, start_response: StartResponse
    ) -> None:
        self.code = ERROR
        self.first_byte: float | None = None
        self._middleware = middleware
        self._environ = environ
        self._start_response = start_response
        self._over = False
        self._started = perf_counter()

    def start_response(self, status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
        self.code = int(status[:3]) if status[:3].isdecimal() else ERROR
        return self._start_response(status, headers, *exc_info)

    def elapsed(self) -> float:
        return perf_counter() - self._started

    def finish(self, status: Status) -> None:
        if self._over:
            return
        self._over = True
        seconds = self.elapsed()
        recorder, environ = self._middleware.recorder, self._environ
        try:
            route = self._middleware.route(environ) or UNMATCHED
            method, request_id = environ["REQUEST_METHOD"], environ.get("recwatch.request_id")
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            recorder.give_up(error)
        else:
            recorder.record(method, route, status, seconds, self.first_byte, request_id)

    def closed(self, parts: int) -> None:
        """The server is done with the body; before its end unless `finish` was called already."""
        unread = self._environ.get("REQUEST_METHOD") == "HEAD" and parts == 0
        self.finish(self.code if unread else CANCELLED)


class _Body:
    """Listens in while the server takes a response part by part."""

    def __init__(self, body: Iterable[bytes], exchange: _Exchange) -> None:
        self._body = body
        self._exchange = exchange
        self._parts: Iterator[bytes] | None = None
        self._taken = 0
        self._first: float | None = None

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        try:
            if self._parts is None:
                self._parts = iter(self._body)
            part = next(self._parts)
        except StopIteration:
            self._exchange.finish(self._exchange.code)
            raise
        except BaseException:
            self._exchange.finish(ERROR)
            raise
        self._taken += 1
        if self._taken == 1:
            self._first = self._exchange.elapsed()
        elif self._taken == 2:  # noqa: PLR2004 - more than one part: the response is streamed
            self._exchange.first_byte = self._first
        return part

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        except BaseException:
            self._exchange.finish(ERROR)
            raise
        finally:
            self._exchange.closed(self._taken)


def metrics_app(registry: CollectorRegistry = REGISTRY) -> WSGIApp:
    """The application for `/metrics`.

    Returns:
        A WSGI application; it answers at whatever path it is mounted.
    """

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        scrape = answer(
            registry,
            accept=environ.get("HTTP_ACCEPT", ""),
            accept_encoding=environ.get("HTTP_ACCEPT_ENCODING", ""),
            query=environ.get("QUERY_STRING", ""),
        )
        start_response(f"{scrape.status} {HTTPStatus(scrape.status).phrase}", list(scrape.headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else scrape.body]

    return app
