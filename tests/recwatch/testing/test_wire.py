import gc
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from recwatch.testing import SlackServer, Wire, free_port, wait_until

TEXT = {"text": "Drift"}


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def wire(slack: SlackServer) -> Iterator[Wire]:
    with Wire(slack.host, slack.port) as between:
        yield between


def post(wire: Wire, timeout: float = 10.0) -> str:
    return requests.post(f"http://{wire.host}:{wire.port}/", json=TEXT, timeout=timeout).text


def test_it_passes_everything_on(wire: Wire, slack: SlackServer) -> None:
    assert post(wire) == "ok"
    assert slack.messages == [TEXT]


def test_it_refuses_and_is_there_again_at_the_same_port(wire: Wire) -> None:
    wire.refuse()
    with pytest.raises(requests.ConnectionError, match="refused"):
        post(wire)
    wire.refuse()
    wire.behave()
    assert post(wire) == "ok"


def test_it_leaves_no_connection_open_that_it_was_just_taking(slack: SlackServer) -> None:
    for _ in range(50):
        with Wire(slack.host, slack.port) as wire:
            post(wire)
            connection = socket.create_connection((wire.host, wire.port), timeout=10)
        with connection, suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    # What is left open says so when it is collected, and pytest takes that for a failure.
    gc.collect()


def test_it_hangs(wire: Wire, slack: SlackServer) -> None:
    wire.hang()
    with pytest.raises(requests.ReadTimeout):
        post(wire, timeout=0.2)
    assert slack.messages == []


def test_a_change_cuts_what_hangs(wire: Wire) -> None:
    wire.hang()
    with socket.create_connection((wire.host, wire.port), timeout=10) as connection:
        connection.sendall(b"GET")
        wait_until(lambda: wire.connections == 1)
        wire.behave()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_it_is_slow(wire: Wire) -> None:
    wire.slow(2_000)
    began = time.monotonic()
    assert post(wire) == "ok"
    assert time.monotonic() - began > 100 / 2_000


def test_it_cuts_what_a_client_says(wire: Wire, slack: SlackServer) -> None:
    wire.drop(after=20)
    with pytest.raises(requests.ConnectionError):
        post(wire)
    wire.drop()
    with pytest.raises(requests.ConnectionError):
        post(wire)
    assert slack.messages == []


def test_it_cuts_what_a_server_says_after_it_has_taken_the_message(wire: Wire, slack: SlackServer) -> None:
    wire.drop(after=1, side="server")
    with pytest.raises(requests.RequestException):
        post(wire)
    assert slack.messages == [TEXT]


def test_it_answers_nonsense(wire: Wire, slack: SlackServer) -> None:
    wire.answer(b"\x00\xff nonsense\r\n")
    with pytest.raises(requests.ConnectionError):
        post(wire)
    assert slack.messages == []


def test_it_leads_to_another_server(wire: Wire, slack: SlackServer) -> None:
    with SlackServer() as other:
        wire.lead_to(other.host, other.port)
        assert post(wire) == "ok"
        assert (len(slack.messages), len(other.messages)) == (0, 1)


def test_a_server_that_is_away_cuts_the_connection() -> None:
    with Wire("127.0.0.1", free_port()) as wire, pytest.raises(requests.ConnectionError):
        post(wire)
