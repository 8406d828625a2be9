import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import requests
import sqlalchemy as sa

from recommender.factors import FactorModel
from recommender.paths import Home
from recommender.settings import Settings
from recwatch import store as tables
from recwatch.testing import wait_until

TOKEN = "let me in"  # as the fixture `settings` has it
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STRANGER = 1_000_000


class Running(Protocol):
    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...
    def get(self, path: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]
PublishModel = Callable[[Home, FactorModel], str]


def test_before_the_first_promotion_the_service_answers_but_is_not_ready(
    serve: Serve, settings: Settings, publish_model: PublishModel, trained: FactorModel
) -> None:
    with serve(settings) as service:
        assert service.get("/healthz").status_code == 200
        ready = service.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {"status": "not ready", "model": "als", "version": None}
        answer = service.post("/recommend", {"user_id": 1}).json()
        assert (answer["version"], answer["fallback"]) == (None, "popularity")
        version = publish_model(settings.home, trained)
        assert service.post("/admin/reload", None, **BEARER).json() == {"old": None, "new": version}
        assert service.get("/readyz").json() == {"status": "ready", "model": "als", "version": version}


def test_the_log_has_the_lines_that_people_search_for(
    serve: Serve, settings: Settings, version: str, known_user: int
) -> None:
    with serve(settings) as service:
        answers = [
            service.post("/recommend", {"user_id": known_user}),
            service.post("/recommend", {"user_id": STRANGER}),
            service.post("/admin/reload", None, **BEARER),
        ]
    lines = settings.home.service_log.read_text().splitlines()
    known, stranger, reloaded = (f", request_id={answer.headers['X-Request-ID']}" for answer in answers)
    messages = [line.split(" | ", 1)[1] for line in lines]
    assert messages[0] == f"INFO | Service started | model_id=als_{version}"
    assert messages[1].startswith(f"INFO | Request | user_id={known_user}, topk=10, latency=0.")
    assert messages[1].endswith(f"s, fallback=False{known}")
    assert messages[2] == f"WARNING | Cold-start | user_id={STRANGER}, fallback=True{stranger}"
    assert messages[3].startswith(f"INFO | Request | user_id={STRANGER}, topk=10, latency=")
    assert messages[3].endswith(f"s, fallback=True{stranger}")
    assert messages[4] == f"INFO | Model reloaded | old=als_{version}, new=als_{version}{reloaded}"
    assert messages[5] == "INFO | Service stopped"


def test_every_request_leaves_a_row_with_its_scores(
    serve: Serve, settings: Settings, version: str, known_user: int
) -> None:
    with serve(settings) as service:
        service.post("/recommend", {"user_id": known_user, "topk": 5, "rerank": True})
        service.post("/recommend", {"user_id": STRANGER, "filters": {"genres": ["Drama"]}})
    rows = sa.select(tables.requests).order_by(tables.requests.c.id)
    with tables.open_store(settings.home.store_url) as store, store.engine.connect() as connection:
        mine, strange = connection.execute(rows).mappings()
    assert (mine["model_id"], mine["user_id"], mine["topk"]) == (f"als_{version}", str(known_user), 5)
    assert (mine["rerank_enabled"], mine["fallback"], mine["num_recommendations"]) == (True, False, 5)
    assert all(-1 <= mine[name] <= 1 for name in ("content_score", "semantic_alignment"))
    assert 0 <= mine["diversity"] <= 2
    assert (strange["fallback_method"], strange["status"]) == ("popularity", "success")
    assert json.loads(strange["filter_params"]) == {"genres": ["Drama"]}
    assert strange["content_score"] is None


def test_the_metrics_are_served_by_route(serve: Serve, settings: Settings, version: str) -> None:
    assert version
    with serve(settings) as service:
        service.post("/recommend", {"user_id": 1})
        service.get("/nowhere")
        text = service.get("/metrics").text
    assert 'http_requests_total{method="POST",route="/recommend",status="200"} 1.0' in text
    assert 'route="unmatched",status="404"} 1.0' in text
    assert f'recommender_model_info{{model="als",version="{version}"}} 1.0' in text
    assert 'recwatch_dropped_writes_total{reason="full",target="interactions"} 0.0' in text


def test_the_health_of_what_the_service_needs_is_one_page(
    serve: Serve, settings: Settings, version: str
) -> None:
    with serve(settings) as service:
        wait_until(lambda: service.get("/health").json()["status"] == "ok", timeout=20)
        checks = service.get("/health").json()["checks"]
        text = service.get("/metrics").text
    assert {name: check["status"] for name, check in checks.items()} == dict.fromkeys(
        ("model", "store", "disk", "memory"), "up"
    )
    assert checks["model"]["message"] == version
    assert all(f'health_check_up{{check="{name}"}} 1.0' in text for name in checks)
