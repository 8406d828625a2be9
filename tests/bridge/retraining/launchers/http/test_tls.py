"""TLS that is not to be had: nothing was sent, for certain, and what a person has to mend is said at once."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from recwatch.testing import Certificate, make_certificate
from recwatch_bridge.retraining.launchers.base import LaunchError, Order
from recwatch_bridge.retraining.launchers.http.client import Client
from recwatch_bridge.retraining.launchers.http.launcher import HttpLauncher
from recwatch_bridge.retraining.launchers.http.plain import PlainApi

Serve = Callable[[socket.socket], None]


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@contextmanager
def end(serve: Serve) -> Iterator[HttpLauncher]:
    """A launcher whose service treats each connection in a way of its own."""

    def work(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=work, args=(listener,))
        thread.start()
        api = PlainApi(f"https://127.0.0.1:{listener.getsockname()[1]}", token=None)
        try:
            yield HttpLauncher(api, poll=0.0, client=Client(timeout=5.0))
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answering(certificate: Certificate, *, garble: bool = False) -> Serve:
    """A service that takes the request, and answers well or with what is no TLS."""

    def serve(connection: socket.socket) -> None:
        with certificate.context().wrap_socket(connection, server_side=True) as secure:
            request = b""
            while not request.endswith(b"}"):
                request += secure.recv(65_536)
            if garble:
                plain = socket.socket(fileno=secure.detach())
                plain.sendall(b"no TLS at all")
                plain.close()
            else:
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return serve


def test_a_certificate_that_nobody_trusts_is_said_at_once(certificate: Certificate, order: Order) -> None:
    with end(answering(certificate)) as launcher, pytest.raises(LaunchError) as caught:
        launcher.launch(order)
    assert caught.value.retry_after is None
    told = str(caught.value)
    assert told.startswith("the API was not reached: its certificate is not trusted (self")
    assert told.endswith("in the environment variable REQUESTS_CA_BUNDLE")
    assert "trying again" not in order.log.read_text(encoding="utf-8")


def test_a_certificate_is_trusted_where_the_remedy_was_followed(
    certificate: Certificate, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.file))
    with end(answering(certificate)) as launcher:
        assert launcher.launch(order) == {"accepted": True}


def test_a_server_that_speaks_no_tls_is_said_at_once(order: Order) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with (
        end(serve) as launcher,
        pytest.raises(LaunchError, match="see whether the server speaks TLS") as caught,
    ):
        launcher.launch(order)
    assert caught.value.retry_after is None


def test_a_handshake_that_is_cut_is_worth_another_try(order: Order) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)

    with end(serve) as launcher, pytest.raises(LaunchError, match="no TLS connection") as caught:
        launcher.launch(order)
    assert caught.value.retry_after == 30


def test_a_start_that_was_sent_before_tls_broke_is_looked_up(
    certificate: Certificate, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.file))
    with end(answering(certificate, garble=True)) as launcher:
        assert launcher.launch(order) == {"unknown": True}
