"""The client of Prometheus, against a server that says what it is told to, and against bad sockets."""

import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from recwatch.testing import PrometheusServer, free_port
from recwatch_bridge import prometheus as module
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import AlertRule, Prometheus, Series


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


@pytest.fixture
def client(server: PrometheusServer, metrics: BridgeMetrics) -> Prometheus:
    return Prometheus(f"{server.url}/", token="a-secret", metrics=metrics)


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that treats each connection as it is told, after reading what came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_alerts_that_fire(server: PrometheusServer, client: Prometheus) -> None:
    server.fire({"alertname": "Broken", "model": "als"}, value=0.25)
    server.fire({"alertname": "Soon"}, state="pending")
    (found,) = client.firing()
    assert (found.labels, found.value) == ({"alertname": "Broken", "model": "als"}, 0.25)
    assert found.active_at > 1_700_000_000
    assert server.messages[0].authorization == "Bearer a-secret"


def test_a_start_in_nanoseconds(server: PrometheusServer, client: Prometheus) -> None:
    server.fire({"alertname": "Broken"})
    server.alerts[0]["activeAt"] = "2026-11-21T03:15:00.123456789Z"
    assert client.firing()[0].active_at == pytest.approx(1_795_230_900.123456)


def test_rules_by_name(server: PrometheusServer, client: Prometheus) -> None:
    rule = {"type": "alerting", "query": "up == 0", "labels": {"severity": "critical"}, "state": "firing"}
    server.rules = [
        rule | {"name": "Down", "annotations": {"summary": "{{ $labels.job }}"}},
        rule | {"name": "Other"},
        {"type": "recording", "name": "Down", "query": "sum(up)"},
    ]
    expected = AlertRule("Down", "up == 0", {"severity": "critical"}, {"summary": "{{ $labels.job }}"})
    assert client.rules("Down") == [expected]
    assert "Down" not in str(server.messages[0])


@pytest.mark.parametrize(
    ("given", "expected"), [(0.25, 0.25), (None, None), (math.nan, None), (math.inf, math.inf)]
)
def test_one_number(
    server: PrometheusServer, client: Prometheus, given: float | None, expected: float | None
) -> None:
    server.default = given
    assert client.instant("up", at=12.3456) == expected
    assert server.messages[0].asked == {"query": "up", "time": "12.346"}


def test_series_over_time(server: PrometheusServer, client: Prometheus) -> None:
    server.series["up"] = [({"job": "a"}, [(10.0, 1.0), (20.0, math.inf), (99.0, 0.0)])]
    assert client.range("up", 10, 30, 10) == [Series({"job": "a"}, (10.0, 20.0), (1.0, math.inf))]


def test_every_question_is_counted(
    server: PrometheusServer, client: Prometheus, registry: CollectorRegistry
) -> None:
    client.firing()
    server.fail_next(503)
    with pytest.raises(PrometheusError):
        client.firing()
    counted = [
        registry.get_sample_value("bridge_prometheus_requests_total", {"outcome": outcome})
        for outcome in ("success", "error")
    ]
    assert counted == [1, 1]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (302, "answered 302, not as its API does"),
        (401, "prometheus_token_file holds a valid token"),
        (404, "prometheus_url is the root"),
        (503, "see that it runs"),
    ],
)
def test_refusals_say_what_to_do(server: PrometheusServer, client: Prometheus, code: int, told: str) -> None:
    server.fail_next(code)
    with pytest.raises(PrometheusError, match=told):
        client.firing()
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "not as its API does"),
        (
            b'{"status": "error", "error": "parse error: \\u0007unexpected\\n"}',
            "200: parse error: unexpected",
        ),
        (
            b'{"status": "success", "data": {"alerts": [{"labels": {}}]}}',
            "what it never does: alerts.0.state",
        ),
        (b'{"status": "success"}', "what it never does"),
        (b"[" * 100_000, "not as its API does"),
        (b'{"status": "success", "data": "\\ud800"}', "not as its API does"),
    ],
)
def test_answers_that_cannot_be_used(body: bytes, told: str) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with raw_server(answer) as url, pytest.raises(PrometheusError, match=told):
        Prometheus(url).firing()


def test_several_series_are_no_number() -> None:
    sample = '{"metric": {}, "value": [1, "2"]}'
    data = f'{{"resultType": "vector", "result": [{sample}, {sample}]}}'
    body = f'{{"status": "success", "data": {data}}}'.encode()

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with raw_server(answer) as url, pytest.raises(PrometheusError, match=r"2 series.*aggregate it"):
        Prometheus(url).instant("up")


def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    with raw_server(answer) as url, pytest.raises(PrometheusError, match=f"than {module.MAX_BYTES} bytes"):
        Prometheus(url).firing()


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_dropped_connection(first: bytes) -> None:
    told = pytest.raises(PrometheusError, match="no answer from Prometheus at ")
    with raw_server(lambda connection: connection.sendall(first)) as url, told:
        Prometheus(url).firing()


def test_a_slow_drip_comes_to_an_end() -> None:
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b" ")

    with raw_server(answer) as url:
        try:
            with pytest.raises(PrometheusError, match="took too long"):
                Prometheus(url, timeout=0.1).firing()
        finally:
            over.set()


def test_a_login_in_the_address_stays_out_of_errors() -> None:
    with pytest.raises(PrometheusError, match="no answer from Prometheus at ") as told:
        Prometheus(f"http://me:secret@127.0.0.1:{free_port()}").firing()
    assert "secret" not in f"{told.value}{told.value.__cause__}"
