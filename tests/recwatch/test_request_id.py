import asyncio
import re
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.testclient import TestClient

from recwatch import request_id
from recwatch.request_id import RequestIdMiddleware, WsgiRequestIdMiddleware

NEW = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.get("/seen")
    async def seen() -> list[str | None]:
        task = asyncio.create_task(_current())
        return [request_id.current(), await task, await run_in_threadpool(request_id.current)]

    @app.get("/thread")
    def thread() -> str | None:
        return request_id.current()

    @app.get("/own")
    async def own() -> StreamingResponse:
        async def parts() -> Any:
            yield request_id.current()

        return StreamingResponse(parts(), headers={"x-request-id": "the application's"})

    @app.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(str(request_id.current()))
        await websocket.close()

    app.add_middleware(RequestIdMiddleware)
    return app


async def _current() -> str | None:
    return request_id.current()


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_valid_id_is_taken_and_seen_everywhere(client: TestClient) -> None:
    longest = "a" * 128
    for given in ("7f.A-_9", longest):
        response = client.get("/seen", headers={"X-Request-ID": given})
        assert response.headers["x-request-id"] == given
        assert response.json() == [given] * 3
    assert client.get("/thread", headers={"X-Request-ID": "t-1"}).json() == "t-1"
    assert request_id.current() is None


@pytest.mark.parametrize(
    "given", ["", " ", "a" * 129, "a b", 'a"b', "a\u00e9", "a\n", "2025 | INFO", "{x}", "a,b=c", "١٢"]
)
def test_another_is_replaced(client: TestClient, given: str) -> None:
    response = client.get("/seen", headers=[(b"X-Request-ID", given.encode())])
    chosen = response.headers["x-request-id"]
    assert NEW.fullmatch(chosen)
    assert response.json() == [chosen] * 3


def test_each_request_without_one_gets_its_own(client: TestClient) -> None:
    first, second = (client.get("/seen").headers["x-request-id"] for _ in range(2))
    assert NEW.fullmatch(first)
    assert first != second


def test_the_answer_has_one_id_also_while_it_streams(client: TestClient) -> None:
    response = client.get("/own", headers={"X-Request-ID": "mine"})
    assert response.headers.get_list("x-request-id") == ["mine"]
    assert response.text == "mine"


def test_a_websocket_has_one(client: TestClient) -> None:
    with client.websocket_connect("/socket", headers={"X-Request-ID": "ws-1"}) as socket:
        assert socket.receive_text() == "ws-1"
        assert (b"x-request-id", b"ws-1") in vars(socket)["extra_headers"]


def test_the_outer_middleware_decides(app: FastAPI) -> None:
    with TestClient(RequestIdMiddleware(app)) as client:
        response = client.get("/seen")
        assert response.headers.get_list("x-request-id") == [response.json()[0]]


async def _serve(app: Any, scope: dict[str, Any]) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


@pytest.mark.anyio
async def test_the_scope_holds_it_and_what_is_no_request_goes_through() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        seen.append((scope["type"], scope.get("recwatch.request_id"), request_id.current()))
        await send({"type": "http.response.start", "status": 204})

    watched = RequestIdMiddleware(app)
    sent = await _serve(watched, {"type": "http", "headers": [(b"x-request-id", b"one")]})
    await _serve(watched, {"type": "lifespan"})
    assert seen == [("http", "one", "one"), ("lifespan", None, None)]
    assert sent == [{"type": "http.response.start", "status": 204, "headers": [(b"x-request-id", b"one")]}]
    assert request_id.current() is None


@pytest.mark.anyio
async def test_after_a_failure_the_server_still_sees_it() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError

    async def as_a_server_does() -> str | None:
        with pytest.raises(LookupError):
            await _serve(
                RequestIdMiddleware(app), {"type": "http", "headers": [(b"x-request-id", b"failed")]}
            )
        return request_id.current()

    assert await asyncio.create_task(as_a_server_does()) == "failed"
    assert request_id.current() is None


def test_bind_is_for_a_block() -> None:
    with request_id.bind("job-1") as outer:
        assert request_id.current() == outer == "job-1"
        with request_id.bind("no id at all") as inner:
            assert NEW.fullmatch(inner)
            assert request_id.current() == inner
        assert request_id.current() == "job-1"
    assert request_id.current() is None
    with pytest.raises(LookupError), request_id.bind():
        raise LookupError
    assert request_id.current() is None


class Streamed:
    """A response that is made while the server reads it, as Django's and Flask's are."""

    def __init__(self) -> None:
        self.closed_for: str | None = None

    def __iter__(self) -> Iterator[bytes]:
        yield str(request_id.current()).encode()

    def close(self) -> None:
        self.closed_for = request_id.current()


def _environ(**more: Any) -> dict[str, Any]:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    return environ | more


def _answer(body: Any, environ: dict[str, Any]) -> tuple[Iterable[bytes], list[tuple[str, str]]]:
    answered: list[tuple[str, str]] = []

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        assert environ["recwatch.request_id"] == request_id.current()
        start_response("200 OK", [("x-request-ID", "the application's"), ("Content-Type", "text/plain")])
        return body

    def start_response(_status: str, headers: list[tuple[str, str]]) -> None:
        answered.extend(headers)

    return WsgiRequestIdMiddleware(app)(environ, start_response), answered


def test_wsgi_binds_it_until_the_response_is_closed() -> None:
    streamed = Streamed()
    body, headers = _answer(streamed, _environ(HTTP_X_REQUEST_ID="w-1"))
    assert request_id.current() is None
    assert list(body) == [b"w-1"]
    assert request_id.current() is None
    body.close()  # type: ignore[attr-defined]
    assert streamed.closed_for == "w-1"
    assert headers == [("Content-Type", "text/plain"), ("X-Request-ID", "w-1")]


def test_wsgi_replaces_another_and_keeps_the_outer_ones() -> None:
    _, headers = _answer([], _environ(HTTP_X_REQUEST_ID="a b"))
    assert NEW.fullmatch(dict(headers)["X-Request-ID"])
    _, headers = _answer([], _environ(**{"HTTP_X_REQUEST_ID": "inner", "recwatch.request_id": "outer"}))
    assert dict(headers)["X-Request-ID"] == "outer"


def test_wsgi_hands_on_what_needs_no_binding(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        whole = FileWrapper(file)
        body, _ = _answer(whole, _environ(**{"wsgi.file_wrapper": FileWrapper}))
        assert body is whole
    body, _ = _answer([b"a", b"b"], _environ())
    assert body == [b"a", b"b"]
    generator, _ = _answer((part for part in (b"a",)), _environ())
    assert list(generator) == [b"a"]
    generator.close()  # type: ignore[attr-defined]
