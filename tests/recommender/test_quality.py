"""What the service says of the lists that it showed, and of the arms of its test."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

import pytest
import requests
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from recommender.rerank_test import CONTROL, OUTSIDE, RERANK
from recommender.settings import Settings
from recwatch.store import open_store, predictions
from recwatch.testing import wait_until

STRANGER = 1_000_000


class Running(Protocol):
    app: Any

    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]
Value = Callable[..., float | None]


@pytest.fixture
def value(registry: CollectorRegistry) -> Value:
    def read(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"model": "als", **labels})

    return read


def rows_of(settings: Settings) -> list[dict[str, Any]]:
    query = sa.select(predictions).order_by(predictions.c.timestamp)
    with open_store(settings.home.store_url) as store, store.transaction() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def recommend(service: Running, user_id: int, **more: object) -> list[int]:
    answer = service.post("/recommend", {"user_id": user_id, **more})
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_a_list_is_judged_by_what_its_user_took_from_it(
    serve: Serve, settings: Settings, version: str, known_user: int, value: Value
) -> None:
    with serve(settings) as service:
        first = recommend(service, known_user, topk=5)
        click = {"user_id": known_user, "event": "click"}
        service.post("/feedback", {**click, "item_id": first[2]})
        service.post(
            "/feedback", {"user_id": known_user, "item_id": first[0], "event": "rating", "rating": 4}
        )
        recommend(service, known_user)
    rows = rows_of(settings)
    assert [(row["model"], row["version"], row["variant"]) for row in rows] == [("als", version, OUTSIDE)] * 2
    assert [(row["status"], row["taken"]) for row in rows] == [
        ("joined", f"[{first[2]}, {first[0]}]"),
        ("waiting", None),
    ]
    assert value("model_predictions_total") == 2
    assert value("model_feedback_total") == 1
    assert value("recommender_clicks_total", variant=OUTSIDE) == 1


def test_a_list_that_nothing_is_taken_from_is_judged_when_its_time_is_over(
    serve: Serve, settings: Settings, version: str, known_user: int
) -> None:
    assert version
    with serve(replace(settings, feedback_seconds=0.2)) as service:
        recommend(service, known_user)
        wait_until(lambda: [row["status"] for row in rows_of(settings)] == ["joined"], timeout=20)
    (row,) = rows_of(settings)
    assert (row["label"], row["taken"]) == (0.0, None)


def test_a_fallback_says_nothing_of_the_model(
    serve: Serve, settings: Settings, version: str, value: Value
) -> None:
    assert version
    with serve(replace(settings, rerank_test=True)) as service:
        items = recommend(service, STRANGER)
        service.post("/feedback", {"user_id": STRANGER, "item_id": items[0], "event": "click"})
        recommend(service, STRANGER)
    assert rows_of(settings) == []
    assert value("model_predictions_total") == 0
    assert value("model_feedback_unmatched_total", reason="unknown") == 0
    # Its clicks are those of the arm that showed it.
    assert value("recommender_clicks_total", variant=OUTSIDE) == 0
    assert sum(value("recommender_clicks_total", variant=arm) or 0 for arm in (CONTROL, RERANK)) == 1


def test_half_of_the_lists_are_reranked_and_each_counts_for_its_arm(
    serve: Serve, settings: Settings, version: str, known_user: int, value: Value
) -> None:
    assert version
    with serve(replace(settings, rerank_test=True)) as service:
        for arm in (CONTROL, RERANK):
            assert value("recommender_impressions_total", variant=arm) == 0  # from the start
        for _ in range(20):
            items = recommend(service, known_user)
            service.post("/feedback", {"user_id": known_user, "item_id": items[0], "event": "click"})
    counts = Counter(row["variant"] for row in rows_of(settings))
    assert set(counts) == {CONTROL, RERANK}
    assert sum(counts.values()) == 20
    for arm, lists in counts.items():
        reranked = "true" if arm == RERANK else "false"
        name = "recommender_request_duration_seconds_count"
        assert value(name, variant=arm, reranked=reranked) == lists
        assert value("recommender_impressions_total", variant=arm) == 10 * lists
        assert value("recommender_clicks_total", variant=arm) == lists


@pytest.mark.parametrize("rerank", [False, True])
def test_who_says_whether_to_rerank_is_outside_of_the_test(
    serve: Serve, settings: Settings, version: str, known_user: int, value: Value, *, rerank: bool
) -> None:
    assert version
    with serve(replace(settings, rerank_test=True)) as service:
        for _ in range(3):
            recommend(service, known_user, rerank=rerank)
    name, reranked = "recommender_request_duration_seconds_count", str(rerank).lower()
    assert value(name, variant=OUTSIDE, reranked=reranked) == 3
    assert rows_of(settings) == []


def test_the_lists_that_were_taken_from_are_kept_when_the_service_stops(
    serve: Serve, settings: Settings, version: str, known_user: int
) -> None:
    assert version
    with serve(settings) as service:
        items = recommend(service, known_user)
        service.post("/feedback", {"user_id": known_user, "item_id": items[0], "event": "click"})
    assert [row["status"] for row in rows_of(settings)] == ["joined"]
