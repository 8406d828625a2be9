"""Email by SMTP."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from recwatch_bridge.outbox import Message
from recwatch_bridge.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.sinks.render_email import render_email

_FINAL = 500
_LOGIN = (530, 534, 535, 538)
"""Said of a missing or wrong login (RFC 4954, section 6), not of the message."""

Refusals = Mapping[str, tuple[int, bytes]]
"""What the server said, by recipient."""


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
    the message (greeting, EHLO, STARTTLS, login) concerns the sink: it is tried again, whatever the code,
    because a wrong password must not turn every alert into a dead letter.

    Once some recipients have a message, later attempts are for those that the server deferred (4xx) alone.
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
            return self._hand_over(connection, email, message.recipients)
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
            # Later it would be said together with the message, and a refusal look like one of the message.
            connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        return connection

    def _hand_over(
        self, connection: smtplib.SMTP, email: EmailMessage, left: Sequence[str] | None
    ) -> Outcome:
        try:
            refused = connection.send_message(email, self._sender, self._to if left is None else list(left))
        except smtplib.SMTPRecipientsRefused as error:
            return _judge(error.recipients, some_have_it=left is not None)
        except smtplib.SMTPResponseException as error:
            reason = f"the server said {_told(error)}"
            if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code in _LOGIN:
                return Later(reason)
            return Never(reason) if error.smtp_code >= _FINAL else Later(reason, whole_sink=False)
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"the connection broke: {_told(error)}")
        # It has taken the message; how it says goodbye changes nothing.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.quit()
        return _accepted(refused)


def _accepted(refusals: Refusals) -> Outcome:
    """Say what becomes of a message that the server took for some recipients at least."""
    deferred = {address: said for address, said in refusals.items() if said[0] < _FINAL}
    final = _lines({address: said for address, said in refusals.items() if address not in deferred})
    if not deferred:
        return Delivered(final)
    reason = f"not yet accepted for some: {'; '.join(_lines(deferred))}"
    return Later(reason, whole_sink=False, left=tuple(deferred), refused=final)


def _judge(refusals: Refusals, *, some_have_it: bool) -> Outcome:
    """Say what becomes of a message that the server took for nobody this time."""
    told = _lines(refusals)
    if any(code < _FINAL for code, _ in refusals.values()):
        return Later(f"no recipient is accepted for now: {'; '.join(told)}", whole_sink=False)
    if some_have_it:
        return Delivered(told)
    return Never(f"every recipient is refused: {'; '.join(told)}")


def _lines(refusals: Refusals) -> tuple[str, ...]:
    return tuple(
        f"{address}: {code} {text.decode(errors='replace')}" for address, (code, text) in refusals.items()
    )


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        return f"{error.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return f"{type(error).__name__}: {error}"
