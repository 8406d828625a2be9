"""What the JSON API's routes have in common: parameters, documented answers, limits of the body."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from recwatch_bridge.web.body import SMALL, read_body
from recwatch_bridge.web.schemas import Error

MOST_ROWS = 500

ModelName = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
Identity = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="how many of the newest")]

_TEXTS = {
    400: "The request is malformed; the answer says where.",
    401: "No valid token.",
    403: "A token without the scope, or a form that the page did not send.",
    404: "There is no such thing.",
    409: "It cannot be done as things are; the answer says why.",
    413: "The body is too large.",
    429: "Too often; `Retry-After` says how long to wait.",
    503: "The database cannot be used at the moment, or too much waits: try again.",
}


def refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Document the answers of these codes, and those that every route has."""
    every = sorted({400, 401, 403, 429, 503, *codes})
    return {code: {"model": Error, "description": _TEXTS[code]} for code in every}


class SmallBody(APIRoute):
    """A route whose body is small and arrives soon, or is refused; it is JSON, whatever its headers say.

    That lets in no form of another site: whoever is let in by a cookie sends a header of their own as well,
    which no form can.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Read the body before anything else does."""
        handle = super().get_route_handler()
        if (self.methods or set()) <= {"GET", "HEAD"}:
            return handle

        async def limited(request: Request) -> Response:
            body = await read_body(request, SMALL)
            waiting = [body]

            async def replay() -> Message:
                if waiting:
                    return {"type": "http.request", "body": waiting.pop(), "more_body": False}
                return await request.receive()

            return await handle(Request({**request.scope, "headers": _as_json(request)}, replay))

        return limited


def _as_json(request: Request) -> list[tuple[bytes, bytes]]:
    headers = [(name, value) for name, value in request.headers.raw if name != b"content-type"]
    return [*headers, (b"content-type", b"application/json")]
