"""HTTP connections of `requests` that a deadline can cut at any moment, the TLS handshake included."""

import socket
import ssl
from contextvars import ContextVar
from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from recwatch_bridge.deadline import Deadline

_current: ContextVar[Deadline] = ContextVar("deadline")
"""A connection is made by the thread that wants it, deep within two libraries."""


class HandshakeError(ssl.SSLError):
    """There is no TLS connection, so nothing was sent; the error of `ssl` is its cause."""


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _current.get().watch(connection)
        return connection


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        _current.get().watch(connection)
        return connection

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise HandshakeError(*error.args) from error


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def watched_session(deadline: Deadline) -> Session:
    """Return a session for one request of this thread, whose connections the deadline knows."""
    _current.set(deadline)
    session = Session()
    session.mount("http://", _Adapter())
    session.mount("https://", _Adapter())
    return session
