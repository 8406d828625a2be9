from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import numpy as np
import pytest
import requests
from prometheus_client import CollectorRegistry

from recommender.interaction_log import InteractionLog, Record
from recommender.interactions import batches, read_interactions
from recommender.settings import Settings
from recwatch.testing import wait_until

STRANGER = 1_000_000


class Running(Protocol):
    def post(self, path: str, body: object, **headers: str) -> requests.Response: ...


Serve = Callable[[Settings], AbstractContextManager[Running]]


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, {"model": "als", **labels})


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


def test_a_full_batch_is_written_before_its_time(serve: Serve, settings: Settings, version: str) -> None:
    assert version
    folder = settings.home.interactions
    click = {"user_id": 1, "item_id": 2, "event": "click"}
    with serve(replace(settings, flush_seconds=3600.0, flush_records=3)) as service:
        for _ in range(2):
            service.post("/feedback", click)
        assert batches(folder) == []
        service.post("/feedback", click)
        wait_until(lambda: len(batches(folder)) == 1, timeout=20)
        service.post("/feedback", click)
        assert len(batches(folder)) == 1
    assert [len(read_interactions([path])) for path in batches(folder)] == [3, 1]


def test_what_is_waiting_is_written_when_the_service_stops(
    serve: Serve, settings: Settings, version: str
) -> None:
    assert version
    with serve(replace(settings, flush_seconds=3600.0)) as service:
        rating = {"user_id": STRANGER, "item_id": 1, "event": "rating", "rating": 5}
        service.post("/feedback", rating)
        assert batches(settings.home.interactions) == []
    assert read_interactions(batches(settings.home.interactions)).user_id.tolist() == [STRANGER]


def test_old_batches_are_merged_when_the_service_starts(
    serve: Serve, settings: Settings, version: str
) -> None:
    assert version
    folder, old = settings.home.interactions, datetime(2020, 1, 1, tzinfo=UTC)
    log = InteractionLog(folder, clock=lambda: old)
    for user_id in (7, 8, 9):
        log.append(Record(user_id, 1, "rating", 4.0, old, old))
        log.flush()
    with serve(settings):
        wait_until(lambda: len(batches(folder)) == 1, timeout=20)
    assert read_interactions(batches(folder)).user_id.tolist() == [7, 8, 9]


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


class Unforeseen(Exception):  # noqa: N818 - reads as what happened
    pass


def test_an_unforeseen_error_ends_neither_the_flushes_nor_the_merges(
    serve: Serve,
    settings: Settings,
    version: str,
    registry: CollectorRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert version
    monkeypatch.setattr("recommender.service.MERGED_AFTER", timedelta(0))
    labels, failing = {"target": "lists", "reason": "error"}, [True]

    def fails(*_: object) -> int:
        if failing:
            raise Unforeseen
        return 0

    monkeypatch.setattr("recommender.service.compact", fails)
    monkeypatch.setattr("recommender.lists.ShownLists.settle_due", fails)

    def dropped() -> float:
        return registry.get_sample_value("recwatch_dropped_writes_total", labels) or 0.0

    with serve(settings) as service:
        log = settings.home.service_log
        wait_until(lambda: log.read_text().count("ERROR | Interactions not merged") > 1, timeout=20)
        wait_until(lambda: dropped() > 1, timeout=20)
        failing.clear()
        service.post("/feedback", {"user_id": STRANGER, "item_id": 1, "event": "rating", "rating": 5})
        wait_until(lambda: len(batches(settings.home.interactions)) == 1, timeout=20)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"user_id": 1, "item_id": 1, "event": "rating"}, "rating: is required"),
        ({"user_id": 1, "item_id": 1, "event": "click", "rating": 3}, "a click has none"),
        ({"user_id": 1, "item_id": 1, "event": "rating", "rating": 9}, "rating: Input should"),
        ({"user_id": 1, "item_id": 1, "event": "like"}, "event: Input should be 'click'"),
        ({"user_id": 1, "item_id": 0, "event": "click"}, "item_id: 0 is not in the catalogue"),
        (
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "2003-05-16T14:00:00"},
            "timestamp: Input should have timezone info",
        ),
        (
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "9999-12-31T23:59:59-12:00"},
            "timestamp: 9999-12-31T23:59:59-12:00 is in the future: send the time at which it happened",
        ),
        (
            {"user_id": 1, "item_id": 1, "event": "click", "timestamp": "0001-01-01T00:00:00+12:00"},
            "timestamp: 0001-01-01T00:00:00+12:00 is before 1970: send the time",
        ),
    ],
)
def test_mistakes_are_refused_with_one_message(
    serve: Serve, settings: Settings, body: object, message: str
) -> None:
    with serve(settings) as service:
        answer = service.post("/feedback", body)
    assert answer.status_code == 422
    assert list(answer.json()) == ["error"]
    assert message in answer.json()["error"]
