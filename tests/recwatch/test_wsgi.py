import gzip
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO, StringIO
from types import SimpleNamespace
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from prometheus_client import CollectorRegistry

from recwatch.wsgi import MetricsMiddleware, metrics_app, route_in_environ

Start = Callable[..., Any]


def count(registry: CollectorRegistry, status: str, route: str = "unmatched") -> float | None:
    labels = {"method": "GET", "route": route, "status": status}
    return registry.get_sample_value("http_requests_total", labels)


def streamed(registry: CollectorRegistry) -> float:
    labels = {"method": "GET", "route": "unmatched"}
    return registry.get_sample_value("http_time_to_first_byte_seconds_count", labels) or 0


def environment(**more: Any) -> dict[str, Any]:
    return {"REQUEST_METHOD": "GET", "PATH_INFO": "/x/17", **more}


class Response:
    """A body that a server has to close."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self.parts = iter(parts)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self.parts

    def close(self) -> None:
        self.closed += 1


def serve(app: Any, environ: dict[str, Any], parts: int | None = None) -> list[bytes]:
    """Do as a server does: take the body, all of it or some parts, and close it."""
    body = app(environ, lambda *_: None)
    try:
        return [part for number, part in enumerate(body, start=1) if parts is None or number <= parts]
    finally:
        if hasattr(body, "close"):
            body.close()


def answering(body: Any, status: str = "200 OK") -> Any:
    def app(_environ: dict[str, Any], start_response: Start) -> Any:
        start_response(status, [])
        return body

    return app


def test_a_response_goes_through_is_closed_once_and_counted(registry: CollectorRegistry) -> None:
    response = Response([b"one", b"two"])
    app = MetricsMiddleware(answering(response, "201 Created"), registry=registry)
    assert serve(app, environment()) == [b"one", b"two"]
    assert response.closed == 1
    assert count(registry, "201") == 1
    assert streamed(registry) == 1


def test_a_response_of_one_part_is_not_streamed(registry: CollectorRegistry) -> None:
    assert serve(MetricsMiddleware(answering([b"one"]), registry=registry), environment()) == [b"one"]
    assert (count(registry, "200"), streamed(registry)) == (1, 0)


def test_a_server_that_stops_in_mid_stream_lost_its_client(registry: CollectorRegistry) -> None:
    body = MetricsMiddleware(answering(Response([b"one", b"two"])), registry=registry)(
        environment(), lambda *_: None
    )
    assert next(iter(body)) == b"one"
    assert count(registry, "cancelled") is None
    body.close()  # type: ignore[attr-defined]
    body.close()  # type: ignore[attr-defined]
    assert count(registry, "cancelled") == 1


def test_a_head_whose_body_is_not_read_is_no_client_that_went_away(registry: CollectorRegistry) -> None:
    app = MetricsMiddleware(answering(Response([b"one"])), registry=registry)
    app(environment(REQUEST_METHOD="HEAD"), lambda *_: None).close()  # type: ignore[attr-defined]
    labels = {"method": "HEAD", "route": "unmatched", "status": "200"}
    assert registry.get_sample_value("http_requests_total", labels) == 1


@pytest.mark.parametrize("where", ["call", "stream", "close"])
def test_a_failure_is_an_error_wherever_it_happens(registry: CollectorRegistry, where: str) -> None:
    class Failing(Response):
        def close(self) -> None:
            raise RuntimeError("as asked")

    def parts() -> Iterator[bytes]:
        yield b"one"
        raise RuntimeError("as asked")

    def app(_environ: dict[str, Any], start_response: Start) -> Any:
        if where == "call":
            raise RuntimeError("as asked")
        start_response("200 OK", [])
        return parts() if where == "stream" else Failing([])

    body = None
    with pytest.raises(RuntimeError, match="as asked"):  # noqa: PT012 - a server does all of it
        body = MetricsMiddleware(app, registry=registry)(environment(), lambda *_: None)
        if where == "close":
            body.close()  # type: ignore[attr-defined]
        list(body)
    assert count(registry, "500") == 1
    if where == "stream":
        assert body is not None
        body.close()  # type: ignore[attr-defined]
        assert count(registry, "cancelled") is None


def test_a_file_is_left_to_the_server(registry: CollectorRegistry) -> None:
    file = FileWrapper(BytesIO(b"a file"))
    app = MetricsMiddleware(answering(file), registry=registry)
    assert app(environment(**{"wsgi.file_wrapper": FileWrapper}), lambda *_: None) is file
    assert count(registry, "200") == 1


def test_a_list_is_left_to_the_server_which_tells_its_length(registry: CollectorRegistry) -> None:
    pages = []
    for app in (answering([b"hello"]), MetricsMiddleware(answering([b"hello"]), registry=registry)):
        out = BytesIO()
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        SimpleHandler(BytesIO(), out, StringIO(), environ).run(app)
        pages.append(out.getvalue())
    assert pages[0] == pages[1]
    assert b"Content-Length: 5" in pages[1]
    assert count(registry, "200") == 1


@pytest.mark.parametrize(
    ("environ", "route"),
    [
        ({}, None),
        ({"recwatch.route": "/users/{id}"}, "/users/{id}"),
        ({"werkzeug.request": SimpleNamespace(url_rule=SimpleNamespace(rule="/u/<int:id>"))}, "/u/{id}"),
        ({"werkzeug.request": SimpleNamespace(url_rule=None)}, None),
        ({"bottle.route": SimpleNamespace(rule="/u/<id:int>")}, "/u/{id}"),
    ],
)
def test_the_route_is_what_the_framework_left(environ: dict[str, Any], route: str | None) -> None:
    assert route_in_environ(environ) == route


def test_a_fault_in_watching_breaks_no_request(registry: CollectorRegistry) -> None:
    def broken(_environ: dict[str, Any]) -> str:
        raise LookupError("no routes today")

    app = MetricsMiddleware(answering([b"one"]), route=broken, registry=registry)
    assert serve(app, environment()) == [b"one"]
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 1


def test_a_status_that_is_none_is_an_error(registry: CollectorRegistry) -> None:
    serve(MetricsMiddleware(answering([b"one"], "fine"), registry=registry), environment())
    assert count(registry, "500") == 1


def test_the_metrics_are_an_application(registry: CollectorRegistry) -> None:
    serve(MetricsMiddleware(answering([b"one"]), registry=registry), environment())
    started: list[Any] = []
    (body,) = metrics_app(registry)(
        environment(HTTP_ACCEPT_ENCODING="gzip"), lambda *given: started.append(given)
    )
    ((status, headers),) = started
    assert (status, dict(headers)["Content-Length"]) == ("200 OK", str(len(body)))
    assert b'route="unmatched",status="200"} 1.0' in gzip.decompress(body)
    assert metrics_app(registry)(environment(REQUEST_METHOD="HEAD"), lambda *_: None) == [b""]
