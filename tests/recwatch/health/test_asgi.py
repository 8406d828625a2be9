import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.testclient import TestClient

from recwatch.asgi import MetricsMiddleware
from recwatch.health import HealthChecks
from recwatch.testing import wait_until


@pytest.fixture(params=[FastAPI, Starlette])
def client(request: pytest.FixtureRequest, health: HealthChecks) -> Iterator[TestClient]:
    app = request.param()
    app.add_route("/healthz", health.healthz)
    app.add_route("/readyz", health.readyz)
    app.add_route("/health", health.summary)
    with TestClient(app) as client:
        yield client


def test_the_first_probe_waits_for_the_first_results(client: TestClient, health: HealthChecks) -> None:
    health.add("queue", lambda: 3)
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "failing": []})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    document = client.get("/health").json()
    assert (document["status"], document["checks"]["queue"]["value"]) == ("ok", 3.0)


def test_liveness_asks_no_check(client: TestClient, health: HealthChecks) -> None:
    asked: list[int] = []
    health.add("queue", lambda: asked.append(1))
    assert client.get("/healthz").json() == {"status": "ok"}
    assert not asked
    assert health.results()["queue"].status == "unknown"


def test_one_that_hangs_never_hangs_a_probe(client: TestClient, health: HealthChecks) -> None:
    end = threading.Event()
    health.add("hanging", end.wait, timeout=0.05)
    health.add("quick", lambda: True)
    for _ in range(50):
        response = client.get("/readyz")
        assert (response.status_code, response.json()["failing"]) == (503, ["hanging"])
    running = [thread.name for thread in threading.enumerate()]
    assert running.count("recwatch-health-hanging") == 1
    assert client.get("/health").json()["checks"]["hanging"]["status"] == "timeout"
    assert client.get("/healthz").status_code == 200
    end.set()


def test_readiness_does_not_wait_for_what_is_not_critical(client: TestClient, health: HealthChecks) -> None:
    end = threading.Event()
    health.add("slow", end.wait, timeout=60, critical=False)
    health.add("quick", lambda: True)
    assert client.get("/readyz").status_code == 200
    assert health.results()["slow"].status == "unknown"
    end.set()


def test_a_storm_of_probes_runs_no_check_more(client: TestClient, health: HealthChecks) -> None:
    runs: list[int] = []
    health.add("queue", lambda: runs.append(1), every=3600)
    for _ in range(100):
        client.get("/readyz")
        client.get("/health")
    assert len(runs) == 1


def test_other_methods_are_refused_and_head_has_no_body(client: TestClient, health: HealthChecks) -> None:
    health.add("queue", lambda: False)
    response = client.post("/readyz")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
    response = client.head("/readyz")
    assert (response.status_code, response.text) == (503, "")
    assert int(response.headers["content-length"]) > 0


def test_the_routes_are_counted_as_such(health: HealthChecks) -> None:
    app = FastAPI()
    app.add_route("/readyz", health.readyz)
    app.add_middleware(MetricsMiddleware, registry=(registry := health._metrics.registry))
    with TestClient(app) as client:
        client.get("/readyz")
    labels = {"method": "GET", "route": "/readyz", "status": "200"}
    wait_until(lambda: registry.get_sample_value("http_requests_total", labels) == 1)
