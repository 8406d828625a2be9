"""Give every request of a Django project an id: the first line of MIDDLEWARE.

MIDDLEWARE = ["recwatch.django_request_id.DjangoRequestIdMiddleware", ...]
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from recwatch.extras import lacking
from recwatch.request_id import HEADER, KEY, bind, choose, current

try:
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction
except ModuleNotFoundError as error:
    raise lacking(error, "django") from error

__all__ = ["DjangoRequestIdMiddleware"]


class DjangoRequestIdMiddleware:
    """Takes the id from the header X-Request-ID, or makes one, binds it and answers with it.

    It stands in `request.META["recwatch.request_id"]`, too. Where a `RequestIdMiddleware` or a
    `WsgiRequestIdMiddleware` around the project has chosen one, that is kept.

    Args:
        get_response: the next middleware or the view, as Django passes it, sync or async.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer a request; a coroutine where the project is served by ASGI."""
        request_id = request.META.get(KEY) or current() or choose(request.META.get("HTTP_X_REQUEST_ID"))
        request.META[KEY] = request_id
        scope = getattr(request, "scope", None)
        if scope is not None:
            scope[KEY] = request_id
        if self._is_async:
            return self._answer(request, request_id)
        with bind(request_id):
            response = self.get_response(request)
        return _named(response, request_id)

    async def _answer(self, request: Any, request_id: str) -> Any:
        answer: Awaitable[Any] = self.get_response(request)
        with bind(request_id):
            response = await answer
        return _named(response, request_id)


def _named(response: Any, request_id: str) -> Any:
    """Answer with the id, and have it bound while the parts of a streamed response are made."""
    response[HEADER] = request_id
    # A file is left alone: the server may send it by itself.
    if response.streaming and getattr(response, "file_to_stream", None) is None:
        bound = _bound_async if response.is_async else _bound
        response.streaming_content = bound(response.streaming_content, request_id)
    return response


def _bound(parts: Iterator[bytes], request_id: str) -> Iterator[bytes]:
    while True:
        with bind(request_id):
            part = next(parts, None)
        if part is None:
            return
        yield part


async def _bound_async(parts: AsyncIterator[bytes], request_id: str) -> AsyncIterator[bytes]:
    while True:
        with bind(request_id):
            part = await anext(parts, None)
        if part is None:
            return
        yield part
