import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from recwatch.testing import free_port, wait_until

PROJECT = """
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, MIDDLEWARE=["recwatch.django.MetricsMiddleware"])

from recwatch.lifespan import FlushOnShutdown
from recwatch.recorder import Recorder
from recwatch.requestlog import RequestLog
from recwatch.serving import RecommenderMetrics

recorder = Recorder([RequestLog("sqlite:///requests.db")], interval=3600.0)
metrics = RecommenderMetrics("als", recorder=recorder)


async def recommend(request, user_id):
    with metrics.request(user_id) as watched:
        watched.returned([1, 2, 3])
    return HttpResponse("")


urlpatterns = [path("recommend/<int:user_id>", recommend)]
application = FlushOnShutdown(get_asgi_application())
"""


@pytest.mark.parametrize("requests_sent", [1, 3])
def test_django_under_uvicorn_loses_no_request_at_its_end(tmp_path: Path, requests_sent: int) -> None:
    (tmp_path / "project.py").write_text(PROJECT)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "project:application", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:

        def ready() -> bool:
            assert server.poll() is None
            try:
                return requests.get(f"http://127.0.0.1:{port}/nowhere", timeout=5).status_code == 404
            except requests.ConnectionError:
                return False

        wait_until(ready, timeout=60)
        for user in range(requests_sent):
            assert requests.get(f"http://127.0.0.1:{port}/recommend/{user}", timeout=10).ok
        server.terminate()
        _, log = server.communicate(timeout=30)
    assert "Traceback" not in log
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'requests.db'}")
    with engine.connect() as connection:
        users = connection.execute(sa.text("SELECT user_id FROM requests ORDER BY id")).scalars().all()
    engine.dispose()
    assert users == [str(user) for user in range(requests_sent)]
