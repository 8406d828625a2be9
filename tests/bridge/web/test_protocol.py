"""Slow heads and large ones: the connection is closed, others go on."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from recwatch.testing import wait_until
from recwatch_bridge.web import protocol

_HEAD_TIMEOUT = 0.3


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    """Answers when the whole body is there; `/slow` only after four times as long as a head may take."""
    while (await receive())["more_body"]:
        pass
    if scope["path"] == "/slow":
        await asyncio.sleep(4 * _HEAD_TIMEOUT)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", _HEAD_TIMEOUT)
    server = uvicorn.Server(
        uvicorn.Config(_answer, port=0, log_config=None, lifespan="off", http=protocol.LimitedHeadProtocol)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_arrive_ends_the_connection(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_a_second_head_has_its_time_too(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok"):
            answer += connection.recv(1000)
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""


def test_an_answer_may_take_longer(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        connection.sendall(b"cd")
        assert b"200 OK" in connection.recv(1000)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 900) for n in range(40)) + b"\r\n",
        b"GET /" + b"a" * (protocol.MAX_HEAD_BYTES + 1) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HTTP/1.1\r\nX: ",
        b"POST /slow HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: ",
        b"POST /slow HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET / HTTP/1.1\r\nX: ",
    ],
)
def test_headers_that_never_end_are_refused(port: int, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 60.0)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(begun)
        with contextlib.suppress(ConnectionError):
            for _ in range(1_000):
                connection.sendall(b"a" * 1_000_000)
            pytest.fail("a gigabyte of headers was taken")


def test_a_body_may_be_larger_than_a_head(port: int) -> None:
    body = b"a" * 1_000_000
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body, body[:1], body)) + b"0\r\n\r\n"
    for head, sent in (
        (b"Content-Length: %d" % len(body), body),
        (b"Transfer-Encoding: chunked", chunked),
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + sent)
            assert b"200 OK" in connection.recv(1000)
