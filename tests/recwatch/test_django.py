"""A Django project with its own client, under gunicorn, and as ASGI under uvicorn."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.testing import wait_until


@pytest.fixture(scope="module")
def project() -> Any:
    """The project, in this process: Django takes its settings once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent / "apps"))
        project = importlib.import_module("django_project")
    assert settings.ROOT_URLCONF == "django_project"
    return project


def count(route: str, status: str, method: str = "GET") -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0


def streamed(route: str) -> float:
    labels = {"method": "GET", "route": route}
    return REGISTRY.get_sample_value("http_time_to_first_byte_seconds_count", labels) or 0


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/users/17", "/users/{pk}", "200"),
        ("/async/17", "/async/{pk}", "200"),
        ("/api/archive/2026/of-may/", "/api/archive/{year}/{slug}/", "200"),
        ("/wp-admin", "unmatched", "404"),
        ("/fails", "/fails", "500"),
        ("/file", "/file", "200"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_request_is_counted_by_its_pattern(path: str, route: str, status: str) -> None:
    from django.test import Client  # noqa: PLC0415 - settings come first

    before = count(route, status)
    response = Client(raise_request_exception=False).get(path)
    assert str(response.status_code) == status
    response.close()
    assert count(route, status) == before + 1


@pytest.mark.anyio
@pytest.mark.usefixtures("project")
async def test_an_async_view_is_counted_by_its_pattern() -> None:
    from django.test import AsyncClient  # noqa: PLC0415

    before = count("/async/{pk}", "200"), count("/async-stream", "200"), streamed("/async-stream")
    client = AsyncClient()
    assert (await client.get("/async/17")).text == "user 17"
    response = await client.get("/async-stream")
    assert [part async for part in response.streaming_content] == [b"one", b"two"]
    after = count("/async/{pk}", "200"), count("/async-stream", "200"), streamed("/async-stream")
    assert after == tuple(value + 1 for value in before)


@pytest.mark.anyio
@pytest.mark.usefixtures("project")
async def test_what_django_cancels_is_cancelled() -> None:
    from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: PLC0415

    from recwatch.django import MetricsMiddleware  # noqa: PLC0415

    registry = CollectorRegistry()
    request = HttpRequest()
    request.method = "GET"

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise asyncio.CancelledError

    async def whole(_request: HttpRequest) -> HttpResponse:
        raise asyncio.CancelledError

    async def streamed(_request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts())

    async def fails(_request: HttpRequest) -> HttpResponse:
        raise RuntimeError("as asked")

    with pytest.raises(asyncio.CancelledError):
        await MetricsMiddleware(whole, registry=registry)(request)
    response: Any = await MetricsMiddleware(streamed, registry=registry)(request)
    with pytest.raises(asyncio.CancelledError):
        [part async for part in response.streaming_content]
    with pytest.raises(RuntimeError, match="as asked"):
        await MetricsMiddleware(fails, registry=registry)(request)
    labels = {"method": "GET", "route": "unmatched"}
    for status, times in (("cancelled", 2), ("500", 1)):
        assert registry.get_sample_value("http_requests_total", {**labels, "status": status}) == times


@pytest.mark.usefixtures("project")
def test_a_stream_is_over_with_its_last_part() -> None:
    from django.test import Client  # noqa: PLC0415

    before = count("/stream", "200"), count("/stream", "cancelled"), streamed("/stream")
    response = Client().get("/stream")
    assert count("/stream", "200") == before[0]
    assert list(response.streaming_content) == [b"one", b"two"]
    response.close()
    half_read = Client().get("/stream")
    next(iter(half_read.streaming_content))
    half_read.close()
    after = count("/stream", "200"), count("/stream", "cancelled"), streamed("/stream")
    assert after == (before[0] + 1, before[1] + 1, before[2] + 2)


@pytest.mark.usefixtures("project")
def test_a_failure_in_mid_stream_is_an_error() -> None:
    from django.test import Client  # noqa: PLC0415

    before = count("/breaks", "500")
    with pytest.raises(RuntimeError, match="in mid-stream"):
        b"".join(Client().get("/breaks").streaming_content)
    assert count("/breaks", "500") == before + 1


@pytest.mark.usefixtures("project")
def test_the_request_id_is_an_exemplar() -> None:
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.get("/users/17", headers={"X-Request-ID": "dj-42"})
    text = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}).text
    assert '# {request_id="dj-42"}' in text


def test_a_project_under_gunicorn(serve: Any, tmp_path: Path) -> None:
    command = ("gunicorn", "django_project:application", "--config=python:recwatch.gunicorn", "--workers=2")
    server = serve(*command, folder=tmp_path)
    for user in range(10):
        assert server.get(f"/users/{user}").text == f"user {user}"
    assert server.get("/fails").status_code == 500
    assert server.get("/stream").text == "onetwo"
    assert b"A Django project" in server.get("/file").content
    assert server.get("/nowhere").status_code == 404
    with requests.get(f"{server.url}/endless", stream=True, timeout=10) as response:
        next(response.iter_content(1024))
    requests_total = "http_requests_total"
    wait_until(
        lambda: server.value(requests_total, method="GET", route="/endless", status="cancelled") == 1,
        timeout=30,
    )
    assert server.value(requests_total, method="GET", route="/users/{pk}", status="200") == 10
    assert server.value(requests_total, method="GET", route="/fails", status="500") == 1
    assert server.value(requests_total, method="GET", route="/stream", status="200") == 1
    assert server.value(requests_total, method="GET", route="/file", status="200") == 1
    assert server.value(requests_total, method="GET", route="unmatched", status="404") == 1
    assert "/users/1" not in server.get("/metrics").text


def test_a_project_as_asgi(serve: Any) -> None:
    server = serve("uvicorn", "django_project:asgi_application", "--lifespan=off", "--log-level=error")
    assert server.get("/async/1").text == "user 1"
    assert server.get("/users/1").text == "user 1"
    assert server.get("/async-stream").text == "onetwo"
    with requests.get(f"{server.url}/async-endless", stream=True, timeout=10) as response:
        next(response.iter_content(3))
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{server.url}/slow", timeout=0.5)

    def cancelled(route: str) -> bool:
        return bool(server.value("http_requests_total", method="GET", route=route, status="cancelled") == 1)

    for route in ("/async-endless", "/slow"):
        wait_until(partial(cancelled, route), timeout=30)
    for route in ("/async/{pk}", "/users/{pk}", "/async-stream"):
        assert server.value("http_requests_total", method="GET", route=route, status="200") == 1
