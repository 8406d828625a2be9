"""Against real servers: one that answers, one that refuses, one that hangs."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from recwatch.errors import ConfigError, HealthError
from recwatch.health import HealthChecks, HttpDependency
from recwatch.testing import free_port, wait_until


class Handler(BaseHTTPRequestHandler):
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        self.send_response(int(self.path.strip("/").partition("?")[0] or 200))
        self.send_header("Location", "/200")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_it_measures_the_time_to_the_answer(server: ThreadingHTTPServer) -> None:
    check = HttpDependency(
        f"http://127.0.0.1:{server.server_port}/204?token=hidden", headers={"Authorization": "Bearer x"}
    )
    measured = check()
    assert measured.value is not None
    assert 0 < measured.value < 60
    assert measured.message == f"http://127.0.0.1:{server.server_port}/204 answered 204"
    assert Handler.asked == [("/204?token=hidden", "Bearer x")]
    assert "hidden" not in repr(check)
    assert "Bearer" not in repr(check)


def test_a_redirect_is_an_answer_an_error_is_not(server: ThreadingHTTPServer) -> None:
    address = f"http://127.0.0.1:{server.server_port}"
    assert HttpDependency(f"{address}/307")().message.endswith("answered 307")
    for code in (404, 503):
        with pytest.raises(HealthError, match=f"/{code} answered {code}") as caught:
            HttpDependency(f"{address}/{code}")()
        assert caught.value.value is not None
    assert HttpDependency(f"{address}/404", statuses=frozenset({404}))().value is not None


def test_nobody_there_and_no_such_host() -> None:
    port = free_port()
    with pytest.raises(HealthError, match=r"does not answer: .*Connection refused") as caught:
        HttpDependency(f"http://me:secret@127.0.0.1:{port}/x?token=hidden")()
    assert str(caught.value).startswith(f"http://127.0.0.1:{port}/x does not answer")


def test_one_that_hangs_is_given_up(health: HealthChecks, silent: int) -> None:
    with pytest.raises(HealthError, match="does not answer: timed out"):
        HttpDependency(f"http://127.0.0.1:{silent}", socket_timeout=0.05)()
    health.add("search", HttpDependency(f"http://127.0.0.1:{silent}"), timeout=0.05)
    health.start()
    wait_until(lambda: health.results()["search"].status == "timeout")


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host", "http://", "http://host:port/", "https://:secret@/x", "http://[::1"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="must look like https://host:8080/healthz") as caught:
        HttpDependency(url)
    assert "secret" not in str(caught.value)


def test_a_certificate_is_checked() -> None:
    # The host's name is looked at, and whose certificate it is: no other server can stand in.
    with pytest.raises(HealthError, match="does not answer"):
        HttpDependency(f"https://127.0.0.1:{free_port()}")()
