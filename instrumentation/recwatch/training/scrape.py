"""Serve a trainer's metrics while it runs."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry

from recwatch import scrape

__all__ = ["REASONS", "TARGET", "MetricsServer"]

TARGET = "serve_metrics"
REASONS = ("unavailable",)

_LOOPBACK = "127.0.0.1"
# The end of a run waits for this long at most until the server has seen that it is to stop.
_POLL_SECONDS = 0.03


class MetricsServer:
    """A web server that answers every GET with the metrics of a registry, in a daemon thread.

    Args:
        address: a port, which is then served on the loopback interface alone, or `host:port`; port 0
            takes a free one.
        registry: what is served.

    Attributes:
        port: where it listens.

    Raises:
        OSError: when the address cannot be had.
        ValueError: when it is none.
    """

    def __init__(self, address: int | str, registry: CollectorRegistry) -> None:
        host, _, port = str(address).rpartition(":")

        class Handler(_Handler):
            source = registry

        self._server = ThreadingHTTPServer((host.strip("[]") or _LOOPBACK, int(port)), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        serve = self._server.serve_forever
        Thread(target=serve, args=(_POLL_SECONDS,), name="recwatch-metrics", daemon=True).start()

    def close(self) -> None:
        """Stop; the port is free afterwards."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    source: ClassVar[CollectorRegistry]
    timeout = 10  # a client that sends nothing does not keep a thread

    def do_GET(self) -> None:
        answer = scrape.answer(
            self.source,
            accept=self.headers.get("Accept", ""),
            accept_encoding=self.headers.get("Accept-Encoding", ""),
            query=urlsplit(self.path).query,
        )
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A scrape is no news."""
