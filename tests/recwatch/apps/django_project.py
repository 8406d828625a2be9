"""A Django project in one file, as tests serve it with gunicorn, uvicorn and Django's own client."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path

from recwatch.django import metrics_view

LONG = b"x" * 65536


def user(_request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(f"user {pk}")


async def async_user(_request: HttpRequest, pk: int) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"user {pk}")


def archive(_request: HttpRequest, year: str, slug: str) -> HttpResponse:
    return HttpResponse(f"{year} {slug}")


def fails(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("as asked")


def stream(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one", b"two"]))


def breaks(_request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        yield b"one"
        raise RuntimeError("in mid-stream")

    return StreamingHttpResponse(parts())


def endless(_request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        while True:
            yield LONG
            time.sleep(0.001)

    return StreamingHttpResponse(parts())


def async_stream(_request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(0)
        yield b"two"

    return StreamingHttpResponse(parts())


def async_endless(_request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"one"
            await asyncio.sleep(0.01)

    return StreamingHttpResponse(parts())


async def slow(_request: HttpRequest) -> HttpResponse:
    await asyncio.Event().wait()  # the client goes first
    return HttpResponse("never")


def file(_request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


urlpatterns = [
    path("metrics", metrics_view),
    path("users/<int:pk>", user),
    path("async/<int:pk>", async_user),
    path("api/", include([re_path(r"^archive/(?P<year>[0-9]{4})/(?P<slug>[\w-]+)/?$", archive)])),
    path("fails", fails),
    path("stream", stream),
    path("breaks", breaks),
    path("endless", endless),
    path("async-stream", async_stream),
    path("async-endless", async_endless),
    path("slow", slow),
    path("file", file),
]

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[
            "recwatch.django.MetricsMiddleware",
            "recwatch.django_request_id.DjangoRequestIdMiddleware",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of a test",
    )
    django.setup()

application = get_wsgi_application()
asgi_application = get_asgi_application()
