# ruff: noqa: ARG001, ARG002 - an ASGI application has three arguments, used or not
import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from recwatch.asgi import MetricsMiddleware, metrics_endpoint
from recwatch.exposition import render
from recwatch.request_id import RequestIdMiddleware
from recwatch.testing import wait_until
from recwatch.testing.web import WebThread
from recwatch.web_types import Message, Receive, Scope, Send

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"ok"}
PART: Message = {"type": "http.response.body", "body": b"o", "more_body": True}
PATHSEND: Message = {"type": "http.response.pathsend", "path": "/file"}
ZEROCOPY: Message = {"type": "http.response.zerocopysend", "file": 3}
GONE: Message = {"type": "http.disconnect"}


def count(
    registry: CollectorRegistry, status: str, route: str = "unmatched", method: str = "GET"
) -> float | None:
    labels = {"method": method, "route": route, "status": status}
    return registry.get_sample_value("http_requests_total", labels)


async def drive(
    app: Any, *, method: str = "GET", path: str = "/x/17", incoming: tuple[Message, ...] = ()
) -> list[Message]:
    """Send one bare request and return what the application sent."""
    messages = iter(incoming)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return sent


@pytest.mark.anyio
async def test_a_response_goes_through_and_is_counted(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(PART)
        await send(BODY)

    assert await drive(MetricsMiddleware(app, registry=registry)) == [START, PART, BODY]
    assert count(registry, "200") == 1
    labels = {"method": "GET", "route": "unmatched"}
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1


@pytest.mark.anyio
async def test_unknown_methods_are_folded(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(BODY)

    for method in ("BREW", "get"):
        await drive(MetricsMiddleware(app, registry=registry), method=method)
    assert count(registry, "200", method="other") == 2


@pytest.mark.parametrize(
    ("sends", "error"),
    [
        ([], RuntimeError("before the response")),
        ([START, PART], RuntimeError("in mid-stream")),
        ([], None),
        ([START, PART], None),
        ([{**START, "status": 700}, BODY], None),
    ],
)
@pytest.mark.anyio
async def test_a_failure_is_an_error_whatever_was_sent(
    registry: CollectorRegistry, sends: list[Message], error: Exception | None
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in sends:
            await send(message)
        if error is not None:
            raise error

    middleware = MetricsMiddleware(app, registry=registry)
    if error is None:
        await drive(middleware)
    else:
        with pytest.raises(RuntimeError, match=str(error)):
            await drive(middleware)
    assert count(registry, "500") == 1


@pytest.mark.parametrize("last", [BODY, PATHSEND, ZEROCOPY])
@pytest.mark.parametrize("error", [None, RuntimeError("in a background task"), asyncio.CancelledError()])
@pytest.mark.anyio
async def test_a_request_is_over_with_the_last_part_of_its_response(
    registry: CollectorRegistry, last: Message, error: BaseException | None
) -> None:
    labels = {"method": "GET", "route": "unmatched"}
    at_end: list[float | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**START, "status": 202})
        await send(last)
        # What a background task does from here on is no part of the request: it is counted already.
        at_end.append(count(registry, "202"))
        if error is not None:
            raise error

    middleware = MetricsMiddleware(app, registry=registry)
    if error is None:
        await drive(middleware)
    else:
        with pytest.raises(type(error)):
            await drive(middleware)
    assert at_end == [1]
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1
    assert (count(registry, "500"), count(registry, "cancelled")) == (None, None)


@pytest.mark.anyio
async def test_a_file_in_parts_is_over_with_the_last(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send({**ZEROCOPY, "more_body": True})
        assert count(registry, "200") is None
        await send(ZEROCOPY)

    await drive(MetricsMiddleware(app, registry=registry))
    assert count(registry, "200") == 1


@pytest.mark.anyio
async def test_routes_are_found_under_other_middleware(registry: CollectorRegistry) -> None:
    async def user(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["id"])

    def hidden(app: Any) -> Any:
        async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)

        return wrapper

    for wrap in (RequestIdMiddleware, hidden, lambda app: RequestIdMiddleware(RequestIdMiddleware(app))):
        app = Starlette(routes=[Route("/users/{id}", user), Mount("/sub", routes=[Route("/{id}", user)])])
        watched = MetricsMiddleware(wrap(app), registry=registry)
        await drive(watched, path="/users/17")
        await drive(watched, path="/sub/17")
    assert count(registry, "200", "/users/{id}") == 3
    assert count(registry, "200", "/sub/{id}") == 3
    assert count(registry, "200") is None


@pytest.mark.anyio
async def test_a_mounted_application_that_is_watched_too_counts_once(registry: CollectorRegistry) -> None:
    outer, inner = FastAPI(), FastAPI()

    @inner.get("/items/{id}")
    def item(id: int) -> int:  # noqa: A002 - the path's own name
        return id

    for app in (outer, inner):
        app.add_middleware(MetricsMiddleware, registry=registry)
    outer.mount("/sub", inner)
    await drive(outer, path="/sub/items/17")
    samples = [sample for family in registry.collect() for sample in family.samples]
    counted = {
        sample.labels["route"]: sample.value
        for sample in samples
        if sample.name == "http_requests_total" and sample.value
    }
    assert counted == {"/sub/items/{id}": 1}


@pytest.mark.anyio
async def test_a_client_that_goes_away_is_cancelled(registry: CollectorRegistry) -> None:
    async def gives_up(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def complains(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise RuntimeError("client disconnected")

    async def in_mid_stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(PART)
        await receive()

    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    await drive(MetricsMiddleware(gives_up, registry=registry), incoming=(GONE,))
    with pytest.raises(RuntimeError, match="client disconnected"):
        await drive(MetricsMiddleware(complains, registry=registry), incoming=(GONE,))
    await drive(MetricsMiddleware(in_mid_stream, registry=registry), incoming=(GONE,))
    with pytest.raises(asyncio.CancelledError):
        await drive(MetricsMiddleware(cancelled, registry=registry))
    assert count(registry, "cancelled") == 4
    assert count(registry, "500") is None


@pytest.mark.anyio
async def test_a_server_may_say_it_by_an_os_error(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)

    async def broken(message: Message) -> None:
        raise BrokenPipeError

    async def receive() -> Message:
        return GONE

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(BrokenPipeError):
        await MetricsMiddleware(app, registry=registry)(scope, receive, broken)
    assert count(registry, "cancelled") == 1


@pytest.mark.anyio
async def test_after_the_response_a_disconnect_means_nothing(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(BODY)
        await receive()

    await drive(MetricsMiddleware(app, registry=registry), incoming=(GONE,))
    assert count(registry, "200") == 1


@pytest.mark.anyio
async def test_other_scopes_go_through(registry: CollectorRegistry) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["type"], receive, send))

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        pass

    await MetricsMiddleware(app, registry=registry)({"type": "websocket"}, receive, send)
    assert seen == [("websocket", receive, send)]


@pytest.mark.anyio
async def test_a_fault_in_watching_breaks_no_request(registry: CollectorRegistry) -> None:
    class App:
        @property
        def routes(self) -> list[Any]:
            raise RuntimeError("no routes today")

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["endpoint"] = self
            await send(START)
            await send(BODY)

    assert await drive(MetricsMiddleware(App(), registry=registry)) == [START, BODY]
    labels = {"target": "metrics", "reason": "error"}
    assert registry.get_sample_value("recwatch_dropped_writes_total", labels) == 2


def test_adding_it_needs_no_argument() -> None:
    for app in (Starlette(), FastAPI()):
        app.add_middleware(MetricsMiddleware)
        app.add_route("/metrics", metrics_endpoint())


class Service:
    """A watched service on a real server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        routes = [
            Route("/users/{id}", self.user),
            Route("/stream", self.stream),
            Route("/fail", self.fail, methods=["POST"]),
        ]
        app = Starlette(routes=routes)
        app.add_middleware(MetricsMiddleware, registry=registry)
        app.add_route("/metrics", metrics_endpoint(registry))
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.thread = WebThread(app, listener, "service")

    async def user(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["id"])

    async def fail(self, request: Request) -> PlainTextResponse:
        raise RuntimeError(request.url.path)

    async def stream(self, _request: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"part"
            await asyncio.Event().wait()  # more never comes: the client goes first

        return StreamingResponse(parts())


@pytest.fixture
def service(registry: CollectorRegistry) -> Iterator[Service]:
    running = Service(registry)
    yield running
    running.thread.stop()


def test_a_real_server_end_to_end(service: Service, registry: CollectorRegistry) -> None:
    for user in ("17", "18"):
        assert requests.get(f"{service.url}/users/{user}", timeout=10).text == user
    assert requests.post(f"{service.url}/fail", timeout=10).status_code == 500
    assert requests.get(f"{service.url}/wp-admin", timeout=10).status_code == 404
    wait_until(lambda: count(registry, "404") == 1)
    assert count(registry, "200", "/users/{id}") == 2
    assert count(registry, "500", "/users/{id}") == 0
    assert count(registry, "500", "/fail", "POST") == 1
    text = requests.get(f"{service.url}/metrics", timeout=10).text
    assert 'http_requests_total{method="GET",route="/users/{id}",status="200"} 2.0' in text
    assert "_created" not in text
    assert "/users/17" not in text


def test_a_real_client_that_hangs_up_in_mid_stream(service: Service, registry: CollectorRegistry) -> None:
    with requests.get(f"{service.url}/stream", timeout=10, stream=True) as response:
        assert next(response.iter_content(4)) == b"part"
    wait_until(lambda: count(registry, "cancelled", "/stream") == 1)


def test_metrics_are_compressed_or_picked_on_request(service: Service, registry: CollectorRegistry) -> None:
    Counter("chosen_total", "Chosen.", registry=registry).inc()
    plain = requests.get(f"{service.url}/metrics", headers={"Accept-Encoding": "identity"}, timeout=10)
    assert "Content-Encoding" not in plain.headers
    with requests.get(
        f"{service.url}/metrics", headers={"Accept-Encoding": "gzip"}, timeout=10, stream=True
    ) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert b"chosen_total 1.0" in gzip.decompress(packed.raw.read())
    chosen = requests.get(f"{service.url}/metrics?name[]=chosen_total", timeout=10).text
    assert chosen.splitlines()[-1] == "chosen_total 1.0"
    assert "http_requests" not in chosen
    head = requests.head(f"{service.url}/metrics", timeout=10)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.anyio
async def test_an_endpoint_without_parentheses_is_no_empty_page() -> None:
    app = Starlette()
    app.add_route("/metrics", metrics_endpoint)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r'not a Request: .*, as app.add_route\("/metrics", metrics_endpoint'):
        await drive(app, path="/metrics")


@pytest.mark.anyio
async def test_rendering_leaves_the_event_loop(registry: CollectorRegistry) -> None:
    threads = []

    class Slow:
        def collect(self) -> list[Any]:
            threads.append(threading.current_thread())
            return []

    registry.register(Slow())
    await drive(metrics_endpoint(registry))
    assert threads[-1] is not threading.current_thread()


@pytest.mark.anyio
async def test_a_streamed_response_shows_its_first_byte_and_its_end(registry: CollectorRegistry) -> None:
    async def streamed(scope: Scope, receive: Receive, send: Send) -> None:
        for message in (START, PART, PART, BODY):
            await send(message)

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await send(START)
        await send(BODY)

    for app in (streamed, whole):
        await drive(MetricsMiddleware(app, registry=registry))
    labels = {"method": "GET", "route": "unmatched"}
    first, full = "http_time_to_first_byte_seconds", "http_request_duration_seconds"
    assert registry.get_sample_value(f"{first}_count", labels) == 1
    assert registry.get_sample_value(f"{full}_count", labels) == 2
    until_first = registry.get_sample_value(f"{first}_sum", labels)
    assert until_first is not None
    assert 0 < until_first < (registry.get_sample_value(f"{full}_sum", labels) or 0)


@pytest.mark.anyio
async def test_the_request_id_that_is_set_within_becomes_an_exemplar(registry: CollectorRegistry) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["recwatch.request_id"] = "abc-1"
        await send(START)
        await send(BODY)

    await drive(MetricsMiddleware(app, registry=registry))
    text = render(registry, "application/openmetrics-text; version=1.0.0")[0].decode()
    assert '# {request_id="abc-1"}' in text
