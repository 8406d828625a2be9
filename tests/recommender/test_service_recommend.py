from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import numpy as np
import pytest
import requests
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from recommender.factors import FactorModel
from recommender.interactions import batches
from recommender.settings import Settings

STRANGER = 1_000_000


class Running(Protocol):
    @property
    def app(self) -> FastAPI: ...
    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]


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


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "user_id: Field required"),
        ({"user_id": "12"}, "user_id: Input should be a valid integer (found '12')"),
        ({"user_id": -1}, "user_id: Input should be greater than or equal to 0 (found -1)"),
        ({"user_id": 2**63}, "user_id: Input should be less than or equal to"),
        ({"user_id": 1, "topk": 0}, "topk: Input should be greater than or equal to 1"),
        ({"user_id": 1, "topk": 101}, "topk: Input should be less than or equal to 100"),
        ({"user_id": 1, "top": 5}, "top: Extra inputs are not permitted"),
        ({"user_id": 1, "filters": {"genres": ["Noir"]}}, "filters.genres: no film has"),
        ([1], "Input should be"),
    ],
)
def test_mistakes_are_refused_with_one_message(
    serve: Serve, settings: Settings, body: object, message: str
) -> None:
    with serve(settings) as service:
        answer = service.post("/recommend", body)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]


def test_a_failure_is_counted_logged_and_answered_with_500(
    serve: Serve, settings: Settings, version: str, trained: FactorModel, registry: CollectorRegistry
) -> None:
    assert version
    with serve(settings) as service:
        engine = service.app.state.service.engine
        broken = replace(trained, user_factors=trained.user_factors[:, :3])
        engine.in_service = replace(engine.in_service, shelf=replace(engine.in_service.shelf, model=broken))
        answer = service.post("/recommend", {"user_id": int(trained.user_id[0])})
    assert answer.status_code == 500
    labels = {"variant": "default"}
    assert value(registry, "recommender_requests_total", outcome="error", **labels) == 1
    assert value(registry, "recommender_errors_total", error="ValueError", **labels) == 1
    log = settings.home.service_log.read_text()
    assert (
        f"| ERROR | Recommendation failed | user_id={trained.user_id[0]}, error=ValueError, request_id="
        in log
    )
