"""The client, against a Prometheus that misbehaves on request."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from recwatch.report.errors import PrometheusError, ReportError, UnreachableError
from recwatch.report.prometheus import Prometheus
from recwatch.testing import PrometheusServer, free_port

AT = 1_794_812_400.0


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer() as started:
        yield started


def test_real_answers(day: str, end: float) -> None:
    prometheus = Prometheus(day + "/")
    [one] = prometheus.instant('sum by (service) (up{service="shop"})', end)
    assert (dict(one.labels), one.times, one.values) == ({"service": "shop"}, (end,), (1.0,))
    assert prometheus.instant("1 / 0", end)[0].values == (float("inf"),)
    assert prometheus.instant("-1 / 0", end)[0].values == (float("-inf"),)
    assert prometheus.instant("nothing", end) == ()
    [course] = prometheus.range('up{service="media"}', end - 1_200, end, 600)
    assert course.times == (end - 1_200, end - 600, end)
    assert prometheus.range("nothing", end - 60, end, 60) == ()


def test_a_wrong_query_is_told_in_a_line(day: str, end: float) -> None:
    with pytest.raises(PrometheusError, match=r"answered 400: invalid parameter .*parse error") as raised:
        Prometheus(day).instant("sum(", end)
    assert not isinstance(raised.value, UnreachableError)


def test_the_token_is_sent_and_redirects_are_not_followed(server: PrometheusServer) -> None:
    prometheus = Prometheus(server.url, token="secret")
    prometheus.instant("vector(1)", AT)
    server.fail_next(302)
    with pytest.raises(PrometheusError, match="answered 302, not as its API does"):
        prometheus.instant("vector(1)", AT)
    assert [question.authorization for question in server.messages] == ["Bearer secret"] * 2
    assert server.messages[0].asked["timeout"] == "30s"


@pytest.mark.parametrize(
    ("code", "hint"), [(401, "valid token"), (403, "allowed to read"), (404, "root"), (502, "runs")]
)
def test_answers_that_are_not_prometheus_s(server: PrometheusServer, code: int, hint: str) -> None:
    server.fail_next(code)
    with pytest.raises(PrometheusError, match=f"answered {code}, not as its API does: .*{hint}"):
        Prometheus(server.url).instant("vector(1)", AT)


def test_a_login_of_the_address_is_sent_and_never_told(server: PrometheusServer) -> None:
    prometheus = Prometheus(server.url.replace("//", "//me:pass%40word@"))
    prometheus.instant("vector(1)", AT)
    assert server.messages[0].authorization == "Basic bWU6cGFzc0B3b3Jk"
    assert prometheus.name == f"Prometheus at {server.host}:{server.port}"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"resultType": "vector"},
        {"resultType": "vector", "result": [1]},
        {"resultType": "vector", "result": [{"metric": [], "value": [0, "1"]}]},
        {"resultType": "vector", "result": [{"metric": {}, "value": [0, "one"]}]},
        {"resultType": "vector", "result": [{"metric": {}, "value": [0]}]},
        {"resultType": "scalar", "result": "1"},
        {"resultType": "string", "result": [0, "one"]},
    ],
)
def test_answers_of_another_shape(data: Any) -> None:
    class Odd(PrometheusServer):
        def _instant(self, query: str) -> dict[str, Any]:
            del query
            found: dict[str, Any] = data
            return found

    with Odd() as server, pytest.raises(PrometheusError, match="answered 200, not as its API does"):
        Prometheus(server.url).instant("vector(1)", AT)


def test_nobody_listens() -> None:
    port = free_port()
    with pytest.raises(UnreachableError) as raised:
        Prometheus(f"http://me:pass@127.0.0.1:{port}").instant("vector(1)", AT)
    told = f"no answer from Prometheus at 127.0.0.1:{port} (Connection refused): see that it runs"
    assert str(raised.value).startswith(told)


def test_an_answer_that_never_ends_is_given_up() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with closing(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=r"did not answer within 0\.3 s"):
            Prometheus(url, timeout=0.3).instant("vector(1)", AT)
    finally:
        stop.set()
        thread.join(10)
        listener.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "prometheus:9090",
        "ftp://host",
        "http://",
        "http://host:port",
        "http://[x",
        "http://h/?q=1",
        "http://h/a b",
    ],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ReportError, match=r"write it as http://127\.0\.0\.1:9090"):
        Prometheus(url)


@pytest.mark.parametrize("timeout", [0.0, -1.0, 3_601.0, float("nan")])
def test_timeouts_that_cannot_be_used(timeout: float) -> None:
    with pytest.raises(ReportError, match="above 0 and 1h at most"):
        Prometheus("http://127.0.0.1:9090", timeout=timeout)


@pytest.mark.parametrize("token", ["", "two\nlines", "ümlaut"])
def test_tokens_that_cannot_be_used(token: str) -> None:
    with pytest.raises(ReportError, match="the token holds what no header can"):
        Prometheus("http://127.0.0.1:9090", token=token)
