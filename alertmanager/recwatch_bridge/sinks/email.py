"""Email by SMTP."""

import contextlib
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from recwatch_bridge.outbox import Message
from recwatch_bridge.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.sinks.render_email import render_email

_FINAL = 500


@dataclass(frozen=True)
class Server:
    """An SMTP server and how to speak with it; `password` goes with `user`."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    timeout: float
    user: str | None = None
    password: str | None = None


class EmailSink:
    """Sends each message over a connection of its own.

    4xx is tried again, 5xx is final, when it is said about the message. What a server says before it has seen
    the message (greeting, STARTTLS, login) concerns the sink: it is tried again, whatever the code, because a
    wrong password must not turn every alert into a dead letter.
    """

    name = "email"
    min_interval = 0.0

    def __init__(self, server: Server, *, sender: str, to: Sequence[str]) -> None:
        self._server = server
        self._sender = sender
        self._to = list(to)

    def send(self, message: Message) -> Outcome:
        """Try once."""
        email = render_email(message, sender=self._sender, to=self._to)
        try:
            connection = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"no connection to {self._server.host}:{self._server.port}: {_told(error)}")
        try:
            return self._hand_over(connection, email)
        finally:
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.tls == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            if server.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user is not None and server.password is not None:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hand_over(self, connection: smtplib.SMTP, email: EmailMessage) -> Outcome:
        try:
            refused = connection.send_message(email, self._sender, self._to)
        except smtplib.SMTPRecipientsRefused as error:
            return _judge(error.recipients)
        except smtplib.SMTPResponseException as error:
            reason = f"the server said {_told(error)}"
            return Never(reason) if error.smtp_code >= _FINAL else Later(reason, whole_sink=False)
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"the connection broke: {_told(error)}")
        # It has taken the message; how it says goodbye changes nothing.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.quit()
        return Delivered(f"not to {', '.join(sorted(refused))}" if refused else "")


def _judge(recipients: dict[str, tuple[int, bytes]]) -> Outcome:
    told = "; ".join(
        f"{address}: {code} {text.decode(errors='replace')}" for address, (code, text) in recipients.items()
    )
    if all(code >= _FINAL for code, _ in recipients.values()):
        return Never(f"every recipient is refused: {told}")
    return Later(f"no recipient is accepted for now: {told}", whole_sink=False)


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return f"{type(error).__name__}: {error}"
