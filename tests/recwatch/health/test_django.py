"""The views in a Django project, in a process of its own: settings are made once a process."""

import json
import subprocess
import sys

PROJECT = """
import json
import django
from django.conf import settings
from django.test import Client
from recwatch.health import HealthChecks
from recwatch.health.django import health_urls

health = HealthChecks()
health.add("queue", lambda: False)
urlpatterns = health_urls(health) + health_urls(health, prefix="internal/")
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None)
django.setup()
client = Client()
ready = client.get("/readyz")
print(json.dumps({
    "ready": [ready.status_code, ready.json(), ready["content-type"], ready["cache-control"]],
    "live": client.get("/healthz").json(),
    "summary": client.get("/internal/health").json()["status"],
    "post": client.post("/readyz").status_code,
}))
"""


def test_the_views_answer() -> None:
    command = [sys.executable, "-W", "error", "-c", PROJECT]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "ready": [503, {"status": "not ready", "failing": ["queue"]}, "application/json", "no-store"],
        "live": {"status": "ok"},
        "summary": "failing",
        "post": 405,
    }
