"""Servers that send a byte now and then: no single wait times out, and yet every question has an end."""

import socket
import threading
from collections.abc import Iterator

import pytest

from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining.launchers.http.client import Client, NoAnswerError, NotSentError
from recwatch_bridge.retraining.launchers.http.exchange import Request
from recwatch_bridge.retraining.reload import Reloader


@pytest.fixture
def drip() -> Iterator[str]:
    """A server whose answer, a good and empty one, has a header that takes five seconds."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                for _ in range(100):
                    if over.wait(0.05):
                        return
                    connection.sendall(b".")
                connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def test_an_api_of_trainers(drip: str) -> None:
    with pytest.raises(NoAnswerError, match=r"^its answer took longer than 0\.3 s$") as caught:
        Client(timeout=1.0, deadline=0.3).send(Request("POST", drip, starts=True))
    assert not isinstance(caught.value, NotSentError)


def test_a_reload(drip: str) -> None:
    assert Reloader(drip, None, timeout=0.3).call() == "no answer within 0.3 s"


def test_prometheus(drip: str) -> None:
    with pytest.raises(PrometheusError, match="took too long to answer: see that it runs"):
        Prometheus(drip, timeout=0.2).instant("up")
