"""An SMTP server that keeps what it is sent and misbehaves on request."""

import asyncio
import socket
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from recwatch.testing.mailbox import LoopThread, Receiver

__all__ = ["MailServer"]


class MailServer(Receiver[EmailMessage, int]):
    """An SMTP server for tests and demonstrations.

        with MailServer() as mail:
            send_to(mail.host, mail.port)
            message = mail.wait_for(lambda message: "drift" in message["Subject"])

    Args:
        host: the address to listen on.
        port: 0 takes a free one; `port` then says which.
        on_message: called with each accepted message, in the server's thread.
        smtp_options: passed to `aiosmtpd.smtp.SMTP`, such as `authenticator` or `tls_context`.

    Raises:
        OSError: on entering, when the port is taken.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        on_message: Callable[[EmailMessage], None] | None = None,
        smtp_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(host=host, port=port, on_message=on_message)
        self._smtp_options = smtp_options or {}
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None

    def fail_next(self, code: int, times: int = 1) -> None:
        """Refuse the next messages with this SMTP code: 4xx asks the sender to try again, 5xx is final."""
        self._orders.add(code, times)

    def __enter__(self) -> Self:
        listener = self._listen()
        self._thread = LoopThread("recwatch-mail")
        self._server = self._thread.call(self._serve(listener))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is not None and self._server is not None:
            self._thread.loop.call_soon_threadsafe(self._server.close)
            self._thread.stop()

    async def _serve(self, listener: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop, enable_SMTPUTF8=True, **self._smtp_options),
            sock=listener,
        )

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Accept or refuse a message; aiosmtpd calls this."""
        code = self._orders.take()
        if code is not None:
            return f"{code} refused on request"
        content = (envelope.original_content or b"").replace(b"\r\n", b"\n")
        self._accept(message_from_bytes(content, policy=policy.default))
        return "250 OK"
