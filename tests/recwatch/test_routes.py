from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recwatch.routes import RouteTemplates, readable


async def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("static")(scope, receive, send)


class Spy:
    """Keeps the scope as the application leaves it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        await self.app(scope, receive, send)


async def handled(app: ASGIApp, path: str, method: str = "GET") -> Scope:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        pass

    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"example.com")],
        "scheme": "http",
        "server": ("example.com", 80),
        "client": None,
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }
    spy = Spy(app)
    await spy(scope, receive, send)
    return spy.scope


@pytest.fixture(scope="module")
def starlette_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/", answer),
            Route("/users/{id:int}", answer, methods=["GET", "DELETE"]),
            Route("/first/{name}", answer),
            Mount("/files", app=opaque),
            Mount(
                "/{tenant}/api",
                routes=[Route("/users/{id}", answer), Mount("/deep", routes=[Route("/x", answer)])],
            ),
            Host("host.example.com", app=Starlette(routes=[Route("/hosted", answer)])),
            WebSocketRoute("/socket", opaque),
        ]
    )


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/", "/"),
        ("/users/17", "/users/{id}"),
        ("/first/anna", "/first/{name}"),
        ("/files/a/b.css", "/files"),
        ("/acme/api/users/17", "/{tenant}/api/users/{id}"),
        ("/acme/api/deep/x", "/{tenant}/api/deep/x"),
        ("/acme/api/nowhere", "unmatched"),
        ("/users/17/", "unmatched"),
        ("/nowhere", "unmatched"),
    ],
)
@pytest.mark.anyio
async def test_starlette(starlette_app: Starlette, path: str, template: str) -> None:
    assert RouteTemplates(starlette_app).find(await handled(starlette_app, path)) == template


@pytest.fixture(scope="module")
def fastapi_app() -> FastAPI:
    inner = APIRouter(prefix="/deep")
    inner.add_api_route("/{y}", lambda y: {"y": y})
    router = APIRouter(prefix="/r")
    router.add_api_route("/items/{id}", lambda id: {"id": id})  # noqa: A006 - a path parameter's usual name
    router.include_router(inner)
    router.add_route("/plain/{z}", answer)
    app = FastAPI()
    for prefix in ("/v1", "/v2/{tenant}"):
        app.include_router(router, prefix=prefix)
    sub = FastAPI()
    sub.add_api_route("/s/{q}", lambda q: {"q": q})
    app.mount("/sub/{z}", sub)
    return app


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("GET", "/v1/r/items/3", "/v1/r/items/{id}"),
        ("GET", "/v2/acme/r/items/3", "/v2/{tenant}/r/items/{id}"),
        ("POST", "/v1/r/items/3", "/v1/r/items/{id}"),
        ("GET", "/v2/acme/r/deep/3", "/v2/{tenant}/r/deep/{y}"),
        ("GET", "/v1/plain/3", "/v1/plain/{z}"),
        ("GET", "/sub/a/s/1", "/sub/{z}/s/{q}"),
        ("GET", "/sub/a/nowhere", "unmatched"),
        ("GET", "/docs", "/docs"),
        ("GET", "/nowhere", "unmatched"),
    ],
)
@pytest.mark.anyio
async def test_fastapi(fastapi_app: FastAPI, method: str, path: str, template: str) -> None:
    assert RouteTemplates(fastapi_app).find(await handled(fastapi_app, path, method)) == template


@pytest.mark.anyio
async def test_a_route_that_is_added_later_is_found() -> None:
    app = Starlette(routes=[Route("/first", answer)])
    templates = RouteTemplates(app)
    assert templates.find(await handled(app, "/first")) == "/first"
    app.add_route("/later/{id}", lambda request: PlainTextResponse(request.path_params["id"]))
    assert templates.find(await handled(app, "/later/3")) == "/later/{id}"


def test_an_application_that_makes_routes_without_end_is_not_walked_without_end() -> None:
    walked = 0

    class Endless:
        @property
        def routes(self) -> list[Any]:
            nonlocal walked
            walked += 1
            return []

    templates = RouteTemplates(Endless())
    assert {templates.find({"endpoint": object()}) for _ in range(500)} == {"unmatched"}
    assert walked == 100


def test_what_the_scope_named_before_is_not_the_answer() -> None:
    app = Starlette(routes=[Mount("/inner", app=opaque)])
    assert RouteTemplates(app).find({"endpoint": opaque, "path": "/inner"}) == "/inner"
    assert RouteTemplates(app).find({"endpoint": opaque, "path": "/inner"}, ignore=opaque) == "unmatched"


def test_methods_are_listed_without_the_head_of_a_get(starlette_app: Starlette) -> None:
    methods = RouteTemplates(starlette_app).methods()
    assert sorted(methods) == [
        ("DELETE", "/users/{id}"),
        ("GET", "/"),
        ("GET", "/first/{name}"),
        ("GET", "/hosted"),
        ("GET", "/users/{id}"),
        ("GET", "/{tenant}/api/deep/x"),
        ("GET", "/{tenant}/api/users/{id}"),
    ]


def test_an_application_without_routes_has_none() -> None:
    assert RouteTemplates(opaque).methods() == []


@pytest.mark.parametrize(
    ("rule", "template"),
    [
        ("users/<int:pk>/", "users/{pk}/"),
        ("users/<pk>", "users/{pk}"),
        ("", ""),
        ("a.b+c/<slug:s>", "a.b+c/{s}"),
        ("^users/(?P<pk>[0-9]+)/$", "users/{pk}/"),
        (r"^files/(?P<path>.*)\.json$", "files/{path}.json"),
        (r"^(?P<a>\w+)/b/((x|y)\w+)/(\d+)$", "{a}/b/{}/{}"),
        (r"^nested/(?P<outer>a(?P<inner>[()]+)b)/c/?$", "nested/{outer}/c/"),
        (r"^year/\d{4}/[a-z]+/\Z", "year/{}/{}/"),
        ("^(?:v1|v2)/(?=x)x(?!y)/$", "{}/x/"),
        ("api/<int:tenant>/^x/(?P<y>.)$", "api/{tenant}/x/{y}"),
    ],
)
def test_rules_and_regular_expressions_become_readable(rule: str, template: str) -> None:
    assert readable(rule) == template


def test_bottle_writes_the_name_first() -> None:
    assert readable("/u/<id:int>/<rest:path>", name_first=True) == "/u/{id}/{rest}"


@given(st.text(alphabet="ab/<>(){}[]?P^$*+|\\:.", max_size=30))
def test_no_rule_is_too_odd(rule: str) -> None:
    assert isinstance(readable(rule), str)
