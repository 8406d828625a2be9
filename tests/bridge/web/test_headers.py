"""Headers of every answer: added, unless the answer has its own."""

import asyncio
from typing import Any

from recwatch_bridge.web.headers import SecurityHeaders


def _headers(*own: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    sent: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(own)})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(SecurityHeaders(app)({"type": "http"}, None, send))  # type: ignore[arg-type]
    assert sent[1] == {"type": "http.response.body", "body": b""}
    return dict(sent[0]["headers"])


def test_an_answer_may_load_nothing() -> None:
    headers = _headers((b"content-length", b"0"))
    assert headers[b"content-length"] == b"0"
    assert headers[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'"
    assert headers[b"cache-control"] == b"no-store"


def test_what_an_answer_says_itself_stays() -> None:
    headers = _headers((b"Cache-Control", b"max-age=1"), (b"content-security-policy", b"own"))
    assert headers[b"Cache-Control"] == b"max-age=1"
    assert b"cache-control" not in headers
    assert headers[b"content-security-policy"] == b"own"
