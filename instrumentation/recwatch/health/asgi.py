"""Answer probes as ASGI endpoints; never waits for a check that has answered once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from recwatch.health.answers import HEADERS, Answer, healthz, readyz
from recwatch.health.check import Check
from recwatch.web_types import Receive, Scope, Send

if TYPE_CHECKING:
    from recwatch.health.checks import HealthChecks

__all__ = ["Endpoint"]

_INTERVAL_SECONDS = 0.01


class Endpoint:
    """An ASGI application that gives one kind of answer to GET and HEAD.

    Args:
        health: the checks.
        kind: one of `recwatch.health.answers`.
    """

    def __init__(self, health: "HealthChecks", kind: Callable[[Sequence[Check]], Answer]) -> None:
        self._health = health
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer a probe."""
        headers = [(name.encode(), value.encode()) for name, value in HEADERS]
        if scope["method"] not in ("GET", "HEAD"):
            code, body = 405, b""
            headers.append((b"allow", b"GET, HEAD"))
        else:
            if self._kind is not healthz:
                await self._first_results()
            answer = self._health.answer(self._kind)
            code, body = answer.code, answer.body()
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _first_results(self) -> None:
        self._health.start()
        critical = self._kind is readyz
        end = time.monotonic() + self._health.pending(critical=critical)
        while self._health.pending(critical=critical) and time.monotonic() < end:  # noqa: ASYNC110
            # The results come from threads, in which no event of this loop can be set.
            await asyncio.sleep(_INTERVAL_SECONDS)
