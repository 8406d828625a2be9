"""The middleware in a Django project, in a process of its own: settings are made once a process."""

import json
import subprocess
import sys

PROJECT = """
import asyncio, json, logging, sys
import django
from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from recwatch import request_id

records = []

class Keep(logging.Handler):
    def emit(self, record):
        records.append((record.getMessage(), request_id.current()))

def sync_view(request):
    return HttpResponse(f"{request_id.current()} {request.META['recwatch.request_id']}")

async def async_view(request):
    return HttpResponse(f"{request_id.current()} {request.META['recwatch.request_id']}")

def failing(request):
    raise LookupError("gone")

def streaming_view(request):
    return StreamingHttpResponse(f"{request_id.current()} " for _ in range(2))

async def parts():
    for _ in range(2):
        yield f"{request_id.current()} "

async def async_streaming_view(request):
    return StreamingHttpResponse(parts())

streams = [path("stream", streaming_view), path("async-stream", async_streaming_view)]
urlpatterns = [*streams, path("sync", sync_view), path("async", async_view), path("failing", failing)]
settings.configure(
    ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None,
    MIDDLEWARE=["recwatch.django_request_id.DjangoRequestIdMiddleware"],
)
django.setup()
logging.getLogger("django.request").addHandler(Keep())
logging.getLogger("django.request").propagate = False
client = Client(raise_request_exception=False)
found = {}
for name in ("sync", "async"):
    response = client.get(f"/{name}", headers={"X-Request-ID": "dj-1"})
    found[f"wsgi {name}"] = [response.text, response["X-Request-ID"]]
found["stream"] = client.get("/stream", headers={"X-Request-ID": "dj-4"}).getvalue().decode()
response = client.get("/sync", headers={"X-Request-ID": "no id"})
chosen = response["X-Request-ID"]
found["replaced"] = chosen != "no id" and response.text == f"{chosen} {chosen}"
response = client.get("/failing", headers={"X-Request-ID": "dj-2"})
found["failing"] = [response.status_code, response["X-Request-ID"]]

async def over_asgi():
    client = AsyncClient()
    for name in ("sync", "async"):
        response = await client.get(f"/{name}", headers={"X-Request-ID": "dj-3"})
        scope = response.asgi_request.scope
        found[f"asgi {name}"] = [response.text, response["X-Request-ID"], scope["recwatch.request_id"]]
    response = await client.get("/async-stream", headers={"X-Request-ID": "dj-5"})
    found["async stream"] = b"".join([part async for part in response]).decode()
    found["after"] = request_id.current()

asyncio.run(over_asgi())
found["logged"] = records
print(json.dumps(found))
"""


def test_sync_and_async_views_see_it_and_so_does_the_error_log() -> None:
    command = [sys.executable, "-c", PROJECT]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "wsgi sync": ["dj-1 dj-1", "dj-1"],
        "wsgi async": ["dj-1 dj-1", "dj-1"],
        "replaced": True,
        "failing": [500, "dj-2"],
        "asgi sync": ["dj-3 dj-3", "dj-3", "dj-3"],
        "asgi async": ["dj-3 dj-3", "dj-3", "dj-3"],
        "stream": "dj-4 dj-4 ",
        "async stream": "dj-5 dj-5 ",
        "after": None,
        "logged": [["Internal Server Error: /failing", "dj-2"]],
    }
