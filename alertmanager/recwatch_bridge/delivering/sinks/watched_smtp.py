"""SMTP connections that a deadline can cut at any moment, the greeting and the TLS handshake included."""

import smtplib
import socket
import ssl

from recwatch_bridge.deadline import Deadline


class WatchedSmtp(smtplib.SMTP):
    """`smtplib.SMTP` whose connection is known to a deadline before anything is said over it."""

    def __init__(self, host: str, port: int, *, timeout: float, deadline: Deadline) -> None:
        self._deadline = deadline
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        # smtplib's hook for subclasses; its own SMTP_SSL uses it as well.
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._deadline.watch(connection)
        return connection


class WatchedSmtpOverTls(WatchedSmtp):
    """The same with TLS from the first byte."""

    default_port = smtplib.SMTP_SSL_PORT

    def __init__(
        self, host: str, port: int, *, timeout: float, deadline: Deadline, context: ssl.SSLContext
    ) -> None:
        self._context = context
        super().__init__(host, port, timeout=timeout, deadline=deadline)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = super()._get_socket(host, port, timeout)
        try:
            return self._context.wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise
