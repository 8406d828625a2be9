"""An SMTP server that keeps what it is sent and misbehaves on request."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from recwatch.testing.certificate import Certificate
from recwatch.testing.mailbox import LoopThread, Receiver, stop_listening

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
        tls: `starttls` refuses everything before it, `tls` speaks nothing else; both need `certificate`.
        certificate: the server's.
        users: passwords by user; with it, nobody sends without a login.
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
        tls: Literal["none", "starttls", "tls"] = "none",
        certificate: Certificate | None = None,
        users: Mapping[str, str] | None = None,
        smtp_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(host=host, port=port, on_message=on_message)
        if (tls == "none") != (certificate is None):
            raise ValueError("tls and certificate belong together: give both or neither")
        self._tls = tls
        self._certificate = certificate
        self._wants_login = users is not None
        self._smtp_options = {**_login(users, tls), **(smtp_options or {})}
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.WriteTransport] = set()

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
            self._thread.call(self._close(self._server))
            self._thread.stop()

    async def _serve(self, listener: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        context = None if self._certificate is None else self._certificate.context()
        options = dict(self._smtp_options)
        if self._tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        return await loop.create_server(
            lambda: _Connection(
                self._connections, self, hostname="localhost", loop=loop, enable_SMTPUTF8=True, **options
            ),
            sock=listener,
            ssl=context if self._tls == "tls" else None,
        )

    async def _close(self, server: asyncio.Server) -> None:
        await stop_listening(server)
        for transport in self._connections:
            transport.abort()
        self._connections.clear()

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or ask for a login first; aiosmtpd calls this."""
        if self._wants_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Accept or refuse a message; aiosmtpd calls this."""
        code = self._orders.take()
        if code is not None:
            return f"{code} refused on request"
        content = (envelope.original_content or b"").replace(b"\r\n", b"\n")
        self._accept(message_from_bytes(content, policy=policy.default))
        return "250 OK"


class _Connection(SMTP):
    """Keeps its transport where the server finds it: a client that hangs on is cut when the server ends."""

    def __init__(self, connections: set[asyncio.WriteTransport], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections = connections
        self._first: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # STARTTLS calls this again, with a transport that sits on the first.
        if self._first is None and isinstance(transport, asyncio.WriteTransport):
            self._first = transport
            self._connections.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._first is not None:
            self._connections.discard(self._first)
        super().connection_lost(error)


def _login(users: Mapping[str, str] | None, tls: str) -> dict[str, Any]:
    if users is None:
        return {}

    def check(_server: SMTP, _session: Session, _envelope: Envelope, _kind: str, given: Any) -> AuthResult:
        is_known = isinstance(given, LoginPassword) and (
            users.get(given.login.decode(errors="replace")) == given.password.decode(errors="replace")
        )
        return AuthResult(success=is_known, handled=False)

    # aiosmtpd cannot see a TLS that was there from the first byte.
    return {"authenticator": check, "auth_require_tls": tls == "starttls"}
