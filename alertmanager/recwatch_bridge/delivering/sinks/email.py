"""Email by SMTP."""

import contextlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import Literal

from recwatch_bridge.deadline import Deadline
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.delivering.sinks.watched_smtp import WatchedSmtp, WatchedSmtpOverTls
from recwatch_bridge.messages.renderer import Renderer

_ANSWERS = 10
"""Of the server in one attempt, those about recipients aside: as many timeouts may pass altogether."""
_FINAL = 500
_CLOSING = 421
"""Said by a server that wants to be left alone for a while (RFC 5321, section 3.8), whatever the message."""
_MANY = 5
"""Messages that a server defers one after the other before it is left alone for a while."""
_LOGIN = (530, 534, 535, 538)
"""Said of a missing or wrong login (RFC 4954, section 6), not of the message."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""What OpenSSL, by its version, makes of a greeting in clear."""

Refusals = Mapping[str, tuple[int, bytes]]
"""What the server said, by recipient."""


@dataclass(frozen=True)
class Server:
    """An SMTP server and how to speak with it; `password` goes with `user`.

    `context` says which certificates are good; without it, those that the system trusts.
    """

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    timeout: float
    user: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


class UnfitServerError(smtplib.SMTPException):
    """The server can be reached and does not speak as the configuration says; the text says what to do."""


class EmailSink:
    """Sends each message over a connection of its own.

    4xx is tried again, 5xx is final, when it is said about the message. What a server says before it has seen
    the message (greeting, EHLO, STARTTLS, login) concerns the sink: it is tried again, whatever the code,
    because a wrong password must not turn every alert into a dead letter. So does 421, and 4xx to one message
    after the other.

    Once some recipients have a message, later attempts are for those that the server deferred (4xx) alone.

    Args:
        server: which one.
        sender: address.
        to: addresses.
        renderer: makes the emails; without it, they look as built in.
    """

    name = "email"
    min_interval = 0.0

    def __init__(
        self, server: Server, *, sender: str, to: Sequence[str], renderer: Renderer | None = None
    ) -> None:
        self._server = server
        self._context = server.context or ssl.create_default_context()
        self._sender = sender
        self._to = list(to)
        self._renderer = renderer or Renderer()
        self._deferred: set[str] = set()

    def send(self, message: Message) -> Outcome:
        """Try once."""
        outcome = self._try(message)
        if not isinstance(outcome, Later) or outcome.left is not None:
            self._deferred.clear()
        elif not outcome.whole_sink:
            self._deferred.add(message.uid)
            return replace(outcome, whole_sink=len(self._deferred) >= _MANY)
        return outcome

    def _try(self, message: Message) -> Outcome:
        email = self._renderer.email(message, sender=self._sender, to=self._to)
        with Deadline(self._server.timeout * (_ANSWERS + len(self._to))) as deadline:
            try:
                connection = self._connect(deadline)
            except (OSError, smtplib.SMTPException) as error:
                where = f"{self._server.host}:{self._server.port}"
                if isinstance(error, UnfitServerError):
                    return Later(f"{where} {error}")
                return Later(
                    f"{where if deadline.connected else f'no connection to {where}'}: {_told(error)}"
                )
            try:
                return self._hand_over(connection, email, message.recipients)
            finally:
                connection.close()

    def _connect(self, deadline: Deadline) -> smtplib.SMTP:
        server = self._server
        connection = self._open(deadline)
        try:
            if server.tls == "starttls":
                _offers(
                    connection, "starttls", "offers no STARTTLS: set tls: tls where it speaks TLS at once"
                )
                connection.starttls(context=self._context)
            if server.user is not None and server.password is not None:
                takes_none = "takes no login: leave out user and password_file"
                if server.tls == "none":
                    takes_none = "takes no login without TLS: set tls: starttls"
                _offers(connection, "auth", takes_none)
                connection.login(server.user, server.password)
            # Later it would be said together with the message, and a refusal look like one of the message.
            connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, deadline: Deadline) -> smtplib.SMTP:
        """Connect and hear the greeting."""
        server, timeout = self._server, self._server.timeout
        try:
            if server.tls == "tls":
                return WatchedSmtpOverTls(
                    server.host, server.port, timeout=timeout, deadline=deadline, context=self._context
                )
            return WatchedSmtp(server.host, server.port, timeout=timeout, deadline=deadline)
        except ssl.SSLError as error:
            if error.reason not in _NO_TLS:
                raise
            raise UnfitServerError("speaks no TLS on this port: set tls: starttls") from error
        except (TimeoutError, smtplib.SMTPServerDisconnected) as error:
            if server.tls == "tls" or not deadline.connected:
                raise
            told = f"sends no greeting ({error}): set tls: tls where it speaks TLS at once"
            raise UnfitServerError(told) from error

    def _hand_over(
        self, connection: smtplib.SMTP, email: EmailMessage, left: Sequence[str] | None
    ) -> Outcome:
        try:
            refused = connection.send_message(email, self._sender, self._to if left is None else list(left))
        except smtplib.SMTPRecipientsRefused as error:
            return _judge(error.recipients, some_have_it=left is not None)
        except smtplib.SMTPResponseException as error:
            reason = f"the server said {_told(error)}"
            login = isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code in _LOGIN
            # A text is smtplib's own word for an answer that is no SMTP.
            if login or isinstance(error.smtp_error, str):
                return Later(reason)
            if error.smtp_code >= _FINAL:
                return Never(reason)
            return Later(reason, whole_sink=error.smtp_code == _CLOSING)
        except (OSError, smtplib.SMTPException) as error:
            return Later(f"the connection broke: {_told(error)}")
        # It has taken the message; how it says goodbye changes nothing.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.quit()
        return _accepted(refused)


def _offers(connection: smtplib.SMTP, extension: str, otherwise: str) -> None:
    connection.ehlo_or_helo_if_needed()
    if not connection.has_extn(extension):
        raise UnfitServerError(otherwise)


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
    codes = {code for code, _ in refusals.values()}
    if any(code < _FINAL for code in codes):
        reason = f"no recipient is accepted for now: {'; '.join(told)}"
        return Later(reason, whole_sink=_CLOSING in codes)
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
