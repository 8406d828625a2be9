"""Watch every request of a Django project.

MIDDLEWARE = ["recwatch.django.MetricsMiddleware", ...]     # in the settings, first, so that it sees all

path("metrics", metrics_view)                               # in the urls: what was seen

Needs Django; nothing else in recwatch imports it. Under WSGI and ASGI, with plain and with async views.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.extras import lacking
from recwatch.http import CANCELLED, ERROR, HttpRecorder, Status
from recwatch.request_id import KEY
from recwatch.routes import UNMATCHED, readable
from recwatch.scrape import answer

try:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
except ModuleNotFoundError as error:
    raise lacking(error, "django") from error

__all__ = ["MetricsMiddleware", "metrics_view"]


class MetricsMiddleware:
    """Counts requests and times them, as `recwatch.asgi.MetricsMiddleware` does.

    The route is the pattern's text: `users/<int:pk>` is `/users/{pk}`, and a regular expression becomes
    readable likewise. A streamed response is over with its last part; a `FileResponse` when the view returns
    it, as the server may send the file by itself.

    Args:
        get_response: the rest of the project, as Django gives it.
        registry: where the metrics are kept.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], Any], *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._get_response = get_response
        self._recorder = HttpRecorder(registry)
        self._asynchronous = iscoroutinefunction(get_response)
        if self._asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Handle a request; under ASGI, give what is to be awaited."""
        exchange = _Exchange(self._recorder, request)
        if self._asynchronous:
            return self._handle(request, exchange)
        try:
            response = self._get_response(request)
        except BaseException:
            exchange.finish(ERROR)
            raise
        return exchange.follow(response)

    async def _handle(self, request: HttpRequest, exchange: "_Exchange") -> HttpResponseBase:
        try:
            response = await self._get_response(request)
        except Exception:
            exchange.finish(ERROR)
            raise
        except BaseException:  # Django cancels a request whose client went away
            exchange.finish(CANCELLED)
            raise
        return exchange.follow(response)


class _Exchange:
    """One request under way."""

    def __init__(self, recorder: HttpRecorder, request: HttpRequest) -> None:
        self._recorder = recorder
        self._request = request
        self._over = False
        self._started = perf_counter()

    def elapsed(self) -> float:
        return perf_counter() - self._started

    def finish(self, status: Status, first_byte: float | None = None) -> None:
        if self._over:
            return
        self._over = True
        seconds = self.elapsed()
        try:
            route, request_id = _route(self._request), _request_id(self._request)
        except Exception as error:  # noqa: BLE001 - watching must never break the service
            self._recorder.give_up(error)
        else:
            self._recorder.record(self._request.method, route, status, seconds, first_byte, request_id)

    def follow(self, response: Any) -> HttpResponseBase:
        """Count a response that is whole now, one that is streamed when its stream ends."""
        if not response.streaming or getattr(response, "file_to_stream", None) is not None:
            self.finish(response.status_code)
        else:
            kind = _AsyncStream if response.is_async else _Stream
            response.streaming_content = kind(response.streaming_content, self, response.status_code)
        return response


class _Listener:
    """Listens in on a stream; Django calls `close` when the server is done with the response."""

    def __init__(self, parts: Any, exchange: _Exchange, status: int) -> None:
        self._parts = parts
        self._exchange = exchange
        self._status = status
        self._first_byte: float | None = None

    def took_part(self) -> None:
        if self._first_byte is None:
            self._first_byte = self._exchange.elapsed()

    def finish(self, status: Status) -> None:
        self._exchange.finish(status, self._first_byte)

    def close(self) -> None:
        self.finish(CANCELLED)


class _Stream(_Listener):
    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            part: bytes = next(self._parts)
        except StopIteration:
            self.finish(self._status)
            raise
        except BaseException:
            self.finish(ERROR)
            raise
        self.took_part()
        return part


class _AsyncStream(_Listener):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            part: bytes = await anext(self._parts)
        except StopAsyncIteration:
            self.finish(self._status)
            raise
        except Exception:
            self.finish(ERROR)
            raise
        except BaseException:
            self.finish(CANCELLED)
            raise
        self.took_part()
        return part


def metrics_view(request: HttpRequest) -> HttpResponse:
    """The view for `/metrics`."""
    scrape = answer(
        REGISTRY,
        accept=request.headers.get("Accept", ""),
        accept_encoding=request.headers.get("Accept-Encoding", ""),
        query=request.META.get("QUERY_STRING", ""),
    )
    return HttpResponse(scrape.body, status=scrape.status, headers=scrape.headers)


def _request_id(request: HttpRequest) -> str | None:
    found: str | None = request.META.get(KEY) or getattr(request, "scope", {}).get(KEY)
    return found


def _route(request: HttpRequest) -> str:
    match = getattr(request, "resolver_match", None)
    return UNMATCHED if match is None else _template(match.route)


@lru_cache(maxsize=10_000)
def _template(route: str) -> str:
    return "/" + readable(route).removeprefix("/")
