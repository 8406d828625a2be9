"""Reading what was sent: no more than a limit, no longer than a while."""

import asyncio
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from recwatch_bridge.web.refusals import Refused

SMALL = 64 * 1024
"""Bytes of a form or of a command's JSON; webhooks have `max_body_bytes`."""
_TIMEOUT = 10.0
_MOST_DIGITS = 15
_MOST_FIELDS = 200


async def read_body(request: Request, limit: int, key: str = "") -> bytes:
    """Read a body.

    Args:
        request: whose body is read.
        limit: most bytes.
        key: of the configuration, that sets the limit.

    Raises:
        Refused: 413 when it is larger, 503 when it takes too long, 400 when the client goes away.
    """
    too_large = Refused(413, f"the body is larger than {key or 'what is taken'}, {limit} bytes")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > _MOST_DIGITS or int(declared) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Refused(503, "the body took too long to arrive: try again") from None
    except ClientDisconnect:
        raise Refused(400, "the client went away") from None
    return bytes(body)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Read a form's fields in their order; what is no form has none.

    Raises:
        Refused: as `read_body`, and 400 for too many fields.
    """
    body = await read_body(request, SMALL)
    try:
        text = body.decode("ascii", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Refused(400, f"a form of more than {_MOST_FIELDS} fields") from None
