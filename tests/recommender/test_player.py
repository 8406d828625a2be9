import io
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recommender.interactions import Interactions
from recommender.pacing import Pacer
from recommender.player import Player, plan

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]


class Recorder:
    """A service that recommends films 1, 2, 3 and takes everything, or fails on request."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.failing = False
        self.on_post: Callable[[], object] = lambda: None

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.sent.append((path, dict(body)))
        self.on_post()
        if self.failing:
            return None
        return {"items": [{"item_id": item} for item in (1, 2, 3)]} if path == "/recommend" else {}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


MakePlayer = Callable[[Interactions], Player]


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def make_player(recorder: Recorder, stop: threading.Event, tmp_path: Path, output: io.StringIO) -> MakePlayer:
    def make(ratings: Interactions) -> Player:
        pacer = Pacer(datetime(2003, 1, 1, tzinfo=UTC), 1e9, 1e9, stop)
        return Player(
            recorder, pacer, ratings, future=ratings, position_file=tmp_path / "replay.json", output=output
        )

    return make


def test_a_session_begins_with_a_recommendation_and_has_more_after_every_five(
    make_ratings: MakeRatings,
) -> None:
    rows = [(1, item, 3.0, item) for item in range(7)]
    rows += [(1, 10, 3.0, 7 + 1801), (2, 11, 3.0, 7 + 1801)]
    asks = [rating.asks for rating in plan(make_ratings(rows))]
    assert asks == [True, False, False, False, False, True, False, True, True]


def test_what_is_recommended_and_rated_later_is_clicked_once(
    make_ratings: MakeRatings, make_player: MakePlayer, recorder: Recorder
) -> None:
    rows = [(7, 50, 3.0, 0), (7, 51, 3.0, 4000), (7, 2, 4.5, 8000), (8, 3, 1.0, 9000)]
    position = make_player(make_ratings(rows)).play()
    feedback = [
        (body["user_id"], body["item_id"], body["event"]) for path, body in recorder.sent if "f" in path
    ]
    assert feedback == [
        (7, 2, "click"),
        (7, 50, "rating"),
        (7, 51, "rating"),
        (7, 2, "rating"),
        (8, 3, "click"),
        (8, 3, "rating"),
    ]
    assert (position.sent, position.requests, position.clicks, position.errors) == (4, 4, 2, 0)
    assert position.finished


def test_a_rating_carries_its_event_time(
    make_ratings: MakeRatings, make_player: MakePlayer, recorder: Recorder
) -> None:
    make_player(make_ratings([(7, 50, 3.5, 60)])).play()
    assert recorder.sent[-1] == (
        "/feedback",
        {
            "user_id": 7,
            "item_id": 50,
            "event": "rating",
            "rating": 3.5,
            "timestamp": "2003-01-01T00:01:00+00:00",
        },
    )


def test_the_position_is_in_the_file_and_in_the_output(
    make_ratings: MakeRatings, make_player: MakePlayer, tmp_path: Path, output: io.StringIO
) -> None:
    make_player(make_ratings([(7, 50, 3.5, 60)])).play()
    expected = {
        "event_time": "2003-01-01T00:01:00+00:00",
        "sent": 1,
        "requests": 1,
        "clicks": 0,
        "errors": 0,
        "finished": True,
    }
    assert json.loads((tmp_path / "replay.json").read_text()) == expected
    assert json.loads(output.getvalue().splitlines()[-1]) == expected


def test_failures_are_counted_and_the_replay_goes_on(
    make_ratings: MakeRatings, make_player: MakePlayer, recorder: Recorder
) -> None:
    recorder.failing = True
    position = make_player(make_ratings([(7, 50, 3.5, 0), (7, 51, 3.5, 1)])).play()
    assert (position.sent, position.requests, position.errors) == (0, 0, 3)


def test_a_stop_ends_the_replay_with_its_position(
    make_ratings: MakeRatings, make_player: MakePlayer, recorder: Recorder, stop: threading.Event
) -> None:
    recorder.on_post = lambda: stop.set() if len(recorder.sent) == 3 else None
    position = make_player(make_ratings([(7, 50, 3.5, 0), (7, 51, 3.5, 1), (7, 52, 3.5, 2)])).play()
    assert (position.sent, position.requests, position.finished) == (2, 1, False)
    assert len(recorder.sent) == 3
