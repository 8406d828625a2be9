"""The socket that the bridge listens on."""

import errno
import socket

from recwatch.errors import ConfigError
from recwatch_bridge.config import split_listen


def listen(address: str) -> socket.socket:
    """Listen on `host:port`.

    Raises:
        ConfigError: when it is no address, or one that cannot be listened on.
    """
    host, port = _split(address)
    try:
        listener = socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise _useless(address, error) from error
    # asyncio sees to it only for sockets that it made; without it each answer takes 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def check_listen(address: str) -> None:
    """Find out whether `host:port` can be listened on, where nobody does so already, without doing it.

    Raises:
        ConfigError: when it is no address, or one that this machine does not have or may not use.
    """
    host, port = _split(address)
    try:
        with socket.socket(_family(host)) as probe:
            # As for a server: a port whose last connections are still being closed is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise _useless(address, error) from error


def _split(address: str) -> tuple[str, int]:
    try:
        return split_listen(address)
    except ValueError as error:
        raise ConfigError(f"--web.listen-address: {address!r} {error}") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _useless(address: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"{address}: cannot listen there ({error.strerror}): stop what has the port, or change `listen`"
    )
