"""HTTP/1.1 for clients in a hurry: a head that is too large or does not arrive in time ends the connection.

uvicorn lets a client take its time with the request line and headers, so that a few hundred idle connections
would keep Alertmanager out. With httptools, which needs half as long as h11 for a request, it also takes
headers of any size.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_TIMEOUT = 10.0
"""Seconds from the connection, or a request's first byte, to the end of its headers."""
MAX_HEAD_BYTES = 32 * 1024
"""Of a request line and its headers."""
_BETWEEN = 4
"""Bytes around a header's name and value."""
_FRAME = 8
"""Bytes of a chunked body that may be no content, for each byte of content."""


class LimitedHeadProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits for a request's head; for `uvicorn.Config(http=...)`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None
        self._received = self._content = 0
        """Bytes of a request, and those of them that are its body's content."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came; it calls the methods below."""
        under_way: RequestResponseCycle | None = self.cycle  # None before the first request
        if self._head_timer is None and (under_way is None or under_way.response_complete):
            self._wait()
        self._received += len(data)
        super().data_received(data)
        # Headers that go on and on are in the parser's memory alone, be they before the body or after it.
        if self._received > MAX_HEAD_BYTES + (1 + _FRAME) * self._content and not self.transport.is_closing():
            self.send_400_response("The request has too large a head.")

    def on_message_begin(self) -> None:
        """Begin to count; of what was read at once with the request before, nothing."""
        self._received = self._content = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request on; the server answers an exception with 400."""
        headers = sum(len(name) + len(value) + _BETWEEN for name, value in self.headers)
        if len(self.url) + headers > MAX_HEAD_BYTES:
            raise ValueError("too large a head")
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand a part of the body on."""
        self._content += len(body)
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
