import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import requests
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from recommender.factors import FactorModel
from recommender.interactions import batches, read_interactions
from recommender.paths import Home
from recommender.settings import Settings
from recwatch.testing import wait_until

TOKEN = "let me in"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STRANGER = 1_000_000


class Running(Protocol):
    @property
    def url(self) -> str: ...
    @property
    def app(self) -> FastAPI: ...
    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...
    def get(self, path: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]
PublishModel = Callable[[Home, FactorModel], str]


@pytest.fixture
def settings(home: Home, tmp_path: Path) -> Settings:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return Settings(home, admin_token_file=tmp_path / "token", flush_seconds=0.05)


@pytest.fixture
def version(home: Home, publish_model: PublishModel, trained: FactorModel) -> str:
    return publish_model(home, trained)


@pytest.fixture
def known_user(trained: FactorModel) -> int:
    return int(trained.user_id[0])


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"model": "als", **labels})


def test_a_known_user_is_served_by_the_model(
    serve: Serve, settings: Settings, version: str, known_user: int, registry: CollectorRegistry
) -> None:
    with serve(settings) as service:
        answer = service.post("/recommend", {"user_id": known_user, "topk": 5})
        assert answer.status_code == 200
        body = answer.json()
        assert (body["model"], body["version"]) == ("als", version)
        assert (body["fallback"], body["folded_in"]) == (None, False)
        assert len(body["items"]) == len({item["item_id"] for item in body["items"]}) == 5
        assert all(item["title"] for item in body["items"])
        scores = [item["score"] for item in body["items"]]
        assert scores == sorted(scores, reverse=True)
    arm = {"variant": "default"}
    assert value(registry, "recommender_requests_total", outcome="success", **arm) == 1
    assert value(registry, "recommender_impressions_total", **arm) == 5
    assert value(registry, "recommender_fallbacks_total", method="popularity", **arm) == 0
    assert value(registry, "recommender_model_info", version=version) == 1
    trained_at = value(registry, "recommender_model_trained_timestamp_seconds")
    assert trained_at == 1795230900


def test_a_stranger_gets_the_popular_and_is_folded_in_after_his_first_ratings(
    serve: Serve, settings: Settings, version: str, registry: CollectorRegistry
) -> None:
    with serve(settings) as service:
        stranger = service.post("/recommend", {"user_id": STRANGER}).json()
        assert (stranger["fallback"], stranger["folded_in"]) == ("popularity", False)
        assert stranger["version"] == version
        for item in stranger["items"][:3]:
            rating = {"user_id": STRANGER, "item_id": item["item_id"], "event": "rating", "rating": 4.5}
            assert service.post("/feedback", rating).status_code == 202
        known = service.post("/recommend", {"user_id": STRANGER}).json()
        assert (known["fallback"], known["folded_in"]) == (None, True)
        seen = {item["item_id"] for item in stranger["items"][:3]}
        assert not seen & {item["item_id"] for item in known["items"]}
    labels = {"variant": "default", "method": "popularity"}
    assert value(registry, "recommender_fallbacks_total", **labels) == 1


def test_ratings_of_the_interaction_log_are_known_after_a_restart(
    serve: Serve, settings: Settings, version: str
) -> None:
    rating = {"user_id": STRANGER, "item_id": 1, "event": "rating", "rating": 5}
    with serve(settings) as service:
        service.post("/feedback", rating)
    assert len(batches(settings.home.interactions)) == 1
    with serve(settings) as service:
        answer = service.post("/recommend", {"user_id": STRANGER}).json()
    assert (answer["version"], answer["folded_in"]) == (version, True)


def test_filters_and_reranking_are_applied(
    serve: Serve, settings: Settings, version: str, known_user: int, registry: CollectorRegistry
) -> None:
    assert version
    wish = {
        "user_id": known_user,
        "topk": 7,
        "filters": {"genres": ["Comedy"], "year_from": 1990, "year_to": 1999},
        "rerank": True,
        "exclude_seen": False,
    }
    with serve(settings) as service:
        items = service.post("/recommend", wish).json()["items"]
        catalogue = service.app.state.service.engine.catalogue
    positions = catalogue.positions(np.array([item["item_id"] for item in items]))
    assert len(items) == 7
    assert all("Comedy" in catalogue.genres[at] for at in positions)
    assert ((catalogue.year[positions] >= 1990) & (catalogue.year[positions] <= 1999)).all()
    name = "recommender_request_duration_seconds_count"
    assert value(registry, name, variant="default", reranked="true") == 1


def test_feedback_is_in_the_interaction_log_within_a_flush(
    serve: Serve, settings: Settings, version: str, registry: CollectorRegistry
) -> None:
    assert version
    moment = "2003-05-16T14:00:00+02:00"
    with serve(settings) as service:
        click = {"user_id": 1, "item_id": 2, "event": "click", "timestamp": moment}
        rating = {**click, "event": "rating", "rating": 3.5}
        assert service.post("/feedback", click).json() == {"accepted": True}
        assert service.post("/feedback", rating).status_code == 202
        folder = settings.home.interactions
        wait_until(lambda: len(read_interactions(batches(folder))) == 2, timeout=20)
    found = read_interactions(batches(settings.home.interactions))
    assert found.event.tolist() == ["click", "rating"]
    assert found.timestamp.tolist() == [np.datetime64("2003-05-16T12:00:00", "us").item()] * 2
    assert (found.observed_at > np.datetime64("2020-01-01")).all()
    assert value(registry, "recommender_clicks_total", variant="default") == 1


def test_what_is_waiting_is_written_when_the_service_stops(
    serve: Serve, settings: Settings, version: str
) -> None:
    assert version
    with serve(replace(settings, flush_seconds=3600.0)) as service:
        rating = {"user_id": STRANGER, "item_id": 1, "event": "rating", "rating": 5}
        service.post("/feedback", rating)
        assert batches(settings.home.interactions) == []
    assert read_interactions(batches(settings.home.interactions)).user_id.tolist() == [STRANGER]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/recommend", {}, "user_id: Field required"),
        ("/recommend", {"user_id": "12"}, "user_id: Input should be a valid integer (found '12')"),
        ("/recommend", {"user_id": -1}, "user_id: Input should be greater than or equal to 0 (found -1)"),
        ("/recommend", {"user_id": 2**63}, "user_id: Input should be less than or equal to"),
        ("/recommend", {"user_id": 1, "topk": 0}, "topk: Input should be greater than or equal to 1"),
        ("/recommend", {"user_id": 1, "topk": 101}, "topk: Input should be less than or equal to 100"),
        ("/recommend", {"user_id": 1, "top": 5}, "top: Extra inputs are not permitted"),
        ("/recommend", {"user_id": 1, "filters": {"genres": ["Noir"]}}, "filters.genres: no film has"),
        ("/recommend", [1], "Input should be"),
        ("/feedback", {"user_id": 1, "item_id": 1, "event": "rating"}, "rating: is required"),
        ("/feedback", {"user_id": 1, "item_id": 1, "event": "click", "rating": 3}, "a click has none"),
        ("/feedback", {"user_id": 1, "item_id": 1, "event": "rating", "rating": 9}, "rating: Input should"),
        ("/feedback", {"user_id": 1, "item_id": 1, "event": "like"}, "event: Input should be 'click'"),
        ("/feedback", {"user_id": 1, "item_id": 0, "event": "click"}, "item_id: 0 is not in the catalogue"),
        (
            "/feedback",
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "2003-05-16T14:00:00"},
            "timestamp: Input should have timezone info",
        ),
        (
            "/feedback",
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "9999-12-31T23:59:59-12:00"},
            "timestamp: 9999-12-31T23:59:59-12:00 is in the future: send the time at which it happened",
        ),
        (
            "/feedback",
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "0001-01-01T00:00:00+12:00"},
            "timestamp: 0001-01-01T00:00:00+12:00 is before 1970: send the time",
        ),
    ],
)
def test_mistakes_are_refused_with_one_message(
    serve: Serve, settings: Settings, path: str, body: object, message: str
) -> None:
    with serve(settings) as service:
        answer = service.post(path, body)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


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


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}])
def test_a_reload_without_the_token_is_refused(
    serve: Serve, settings: Settings, header: dict[str, str]
) -> None:
    with serve(settings) as service:
        answer = service.post("/admin/reload", None, **header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in answer.text


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_without_a_token_file_every_reload_is_refused(
    serve: Serve, settings: Settings, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_text(content)
    with serve(replace(settings, admin_token_file=file)) as service:
        answer = service.post("/admin/reload", None, Authorization="Bearer ")
    assert answer.status_code == 403
    assert "RECWATCH_ADMIN_TOKEN_FILE" in answer.json()["error"]


def test_a_damaged_version_leaves_the_old_one_in_service(  # noqa: PLR0917 - fixtures
    serve: Serve,
    settings: Settings,
    version: str,
    publish_model: PublishModel,
    trained: FactorModel,
    registry: CollectorRegistry,
) -> None:
    with serve(settings) as service:
        damaged = publish_model(settings.home, trained)
        (settings.home.artifacts("als") / damaged / "model.npz").write_bytes(b"damaged")
        answer = service.post("/admin/reload", None, **BEARER)
        assert answer.status_code == 503
        assert "train and publish again" in answer.json()["error"]
        assert service.get("/readyz").json()["version"] == version
        assert service.post("/recommend", {"user_id": 1}).json()["version"] == version
    assert value(registry, "recommender_model_reloads_total", outcome="error") == 1
    assert value(registry, "recommender_model_info", version=version) == 1


def test_no_request_fails_while_models_are_exchanged(  # noqa: PLR0917 - fixtures
    serve: Serve,
    settings: Settings,
    version: str,
    publish_model: PublishModel,
    trained: FactorModel,
    registry: CollectorRegistry,
) -> None:
    """Six clients ask without a pause while nine new versions come into service."""
    done = threading.Event()
    answers: list[tuple[int, str | None, int]] = []
    failures: list[str] = []

    def ask(url: str, user_id: int) -> None:
        with requests.Session() as http:
            while not done.is_set():
                answer = http.post(f"{url}/recommend", json={"user_id": user_id, "rerank": True}, timeout=20)
                if answer.status_code != 200:
                    failures.append(answer.text)
                    return
                body: dict[str, Any] = answer.json()
                answers.append((user_id, body["version"], len(body["items"])))

    def more_than(count: int) -> Callable[[], bool]:
        return lambda: len(answers) > count or bool(failures)

    with serve(settings) as service:
        users = [*trained.user_id[:5].tolist(), STRANGER]
        clients = [threading.Thread(target=ask, args=[service.url, user]) for user in users]
        for client in clients:
            client.start()
        versions = [version]
        for _ in range(9):
            # Fewer items each time: a mixture of two versions would be out of bounds.
            smaller = replace(
                trained,
                item_id=trained.item_id[len(versions) :],
                item_factors=trained.item_factors[len(versions) :],
            )
            versions.append(publish_model(settings.home, smaller))
            reloaded = service.post("/admin/reload", None, **BEARER).json()
            assert reloaded == {"old": versions[-2], "new": versions[-1]}
            wait_until(more_than(len(answers) + 5), timeout=30)
        done.set()
        for client in clients:
            client.join()
    assert failures == []
    assert {found for _, found, _ in answers} == set(versions)
    assert all(count == 10 for _, _, count in answers)
    outcomes = {"variant": "default"}
    assert value(registry, "recommender_requests_total", outcome="success", **outcomes) == len(answers)
    assert value(registry, "recommender_requests_total", outcome="error", **outcomes) == 0
    assert value(registry, "recommender_model_reloads_total", outcome="success") == 9
    assert value(registry, "recommender_model_info", version=versions[-1]) == 1
    assert value(registry, "recommender_model_info", version=versions[0]) is None


def test_a_failure_is_counted_logged_and_answered_with_500(
    serve: Serve, settings: Settings, version: str, trained: FactorModel, registry: CollectorRegistry
) -> None:
    assert version
    with serve(settings) as service:
        engine = service.app.state.service.engine
        broken = replace(trained, user_factors=trained.user_factors[:, :3])
        engine.in_service = replace(engine.in_service, shelf=replace(engine.in_service.shelf, model=broken))
        assert service.post("/recommend", {"user_id": int(trained.user_id[0])}).status_code == 500
    labels = {"variant": "default"}
    assert value(registry, "recommender_requests_total", outcome="error", **labels) == 1
    assert value(registry, "recommender_errors_total", error="ValueError", **labels) == 1
    log = settings.home.service_log.read_text()
    assert f"| ERROR | Recommendation failed | user_id={trained.user_id[0]}, error=ValueError\n" in log


def test_the_log_has_the_lines_that_people_search_for(
    serve: Serve, settings: Settings, version: str, known_user: int
) -> None:
    with serve(settings) as service:
        service.post("/recommend", {"user_id": known_user})
        service.post("/recommend", {"user_id": STRANGER})
        service.post("/admin/reload", None, **BEARER)
    lines = settings.home.service_log.read_text().splitlines()
    messages = [line.split(" | ", 1)[1] for line in lines]
    assert messages[0] == f"INFO | Service started | model_id=als_{version}"
    assert messages[1].startswith(f"INFO | Request | user_id={known_user}, topk=10, latency=0.")
    assert messages[1].endswith("s, fallback=False")
    assert messages[2] == f"WARNING | Cold-start | user_id={STRANGER}, fallback=True"
    assert messages[3].startswith(f"INFO | Request | user_id={STRANGER}, topk=10, latency=")
    assert messages[3].endswith("s, fallback=True")
    assert messages[4] == f"INFO | Model reloaded | old=als_{version}, new=als_{version}"


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


def test_interactions_that_cannot_be_written_are_said_and_kept(
    serve: Serve, settings: Settings, version: str
) -> None:
    assert version
    folder = settings.home.interactions
    folder.write_text("a file where a folder belongs")
    with serve(settings) as service:
        rating = {"user_id": STRANGER, "item_id": 1, "event": "rating", "rating": 5}
        assert service.post("/feedback", rating).status_code == 202
        log = settings.home.service_log
        wait_until(lambda: "ERROR | Interactions not written | waiting=1" in log.read_text(), timeout=20)
        folder.unlink()
        wait_until(lambda: folder.is_dir() and len(batches(folder)) == 1, timeout=20)
    assert read_interactions(batches(folder)).user_id.tolist() == [STRANGER]
