"""The replay itself: which requests follow from the ratings, sending them, and saying how far it is."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, Self, TextIO

import requests

from recommender.files import write_json
from recommender.interactions import CLICK, RATING, Interactions
from recommender.pacing import Pacer
from recommender.times import to_datetime

SESSION_GAP = timedelta(minutes=30)
"""A user who rated nothing for so long begins a new session."""
STEP = 5
"""Within a session, a recommendation is asked for again after so many ratings."""

_TIMEOUT_SECONDS = 10.0
_ATTEMPTS = 3
_REPORT_SECONDS = 1.0


@dataclass(frozen=True)
class Rating:
    """A rating of the history.

    Attributes:
        user_id: who.
        item_id: which film.
        stars: how many.
        at: when, aware.
        asks: whether a recommendation is asked for before it.
    """

    user_id: int
    item_id: int
    stars: float
    at: datetime
    asks: bool


@dataclass(frozen=True)
class Position:
    """How far a replay is.

    Attributes:
        event_time: of the last event, ISO; None before the first.
        sent: ratings that the service took.
        requests: recommendations asked for.
        clicks: clicks that the service took.
        errors: requests that failed for good.
        finished: whether the history is at its end.
    """

    event_time: str | None = None
    sent: int = 0
    requests: int = 0
    clicks: int = 0
    errors: int = 0
    finished: bool = False


def plan(ratings: Interactions) -> Iterator[Rating]:
    """Ratings in the order given, marked where a user's session begins and after every `STEP` of it."""
    last: dict[int, datetime] = {}
    in_session: dict[int, int] = {}
    columns = (ratings.user_id.tolist(), ratings.item_id.tolist(), ratings.rating.tolist())
    for (user_id, item_id, stars), moment in zip(zip(*columns, strict=True), ratings.timestamp, strict=True):
        at = to_datetime(moment)
        fresh = user_id not in last or at - last[user_id] > SESSION_GAP
        count = 0 if fresh else in_session[user_id]
        last[user_id], in_session[user_id] = at, count + 1
        yield Rating(user_id, item_id, stars, at, asks=count % STEP == 0)


class Service(Protocol):
    """Where a replay sends its requests."""

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer; None when the request failed for good."""


class ServiceClient:
    """A service over HTTP. Connection failures and 5xx are tried again, with a pause that doubles."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer; None when the request failed for good."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(0.1 * 2**attempt)
            try:
                response = self._session.post(
                    self._url + path, json=body, timeout=_TIMEOUT_SECONDS, allow_redirects=False
                )
                if response.status_code < 500:  # noqa: PLR2004 - the service's verdict, not an accident
                    response.raise_for_status()
                    found: Mapping[str, Any] = response.json()
                    return found
            except requests.HTTPError:
                return None
            except requests.RequestException:
                continue
        return None


class Player:
    """Sends the requests that follow from the ratings, and reports once a second.

    Args:
        service: where to.
        pacer: when.
        ratings: what to play, in time order.
        future: every rating that is still to come: what of it is recommended gets clicked, once.
        position_file: replaced once a second with the position, as JSON.
        output: gets the same as JSON lines.
    """

    def __init__(
        self,
        service: Service,
        pacer: Pacer,
        ratings: Interactions,
        *,
        future: Interactions,
        position_file: Path,
        output: TextIO,
    ) -> None:
        self.position = Position()
        self._service = service
        self._pacer = pacer
        self._ratings = ratings
        self._position_file = position_file
        self._output = output
        self._reported = float("-inf")
        self._wanted: dict[int, set[int]] = {}
        for user_id, item_id in zip(future.user_id.tolist(), future.item_id.tolist(), strict=True):
            self._wanted.setdefault(user_id, set()).add(item_id)

    def play(self) -> Position:
        """Play to the end, or until the pacer is stopped; the last position is reported in any case."""
        for rating in plan(self._ratings):
            if self._pacer.stopped:
                break
            if rating.asks:
                self._ask(rating)
            self._rate(rating)
        else:
            self.position = replace(self.position, finished=not self._pacer.stopped)
        self._report()
        return self.position

    def _ask(self, rating: Rating) -> None:
        answer = self._send(rating.at, "/recommend", {"user_id": rating.user_id})
        if answer is None:
            return
        self._count(requests=1)
        for item in answer["items"]:
            if item["item_id"] in self._wanted[rating.user_id]:
                self._wanted[rating.user_id].discard(item["item_id"])
                click = {"item_id": item["item_id"], "event": CLICK}
                if self._send(rating.at, "/feedback", _feedback(rating, click)) is not None:
                    self._count(clicks=1)

    def _rate(self, rating: Rating) -> None:
        stars = {"item_id": rating.item_id, "event": RATING, "rating": rating.stars}
        if self._send(rating.at, "/feedback", _feedback(rating, stars)) is not None:
            self._count(sent=1)
        self._wanted[rating.user_id].discard(rating.item_id)

    def _send(self, at: datetime, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Wait for the moment, then send; None when the replay was stopped first or the request failed."""
        while not self._pacer.wait(at, at_most=_REPORT_SECONDS):
            if self._pacer.stopped:
                return None
            self._report_when_due()
        answer = self._service.post(path, body)
        if answer is None:
            self._count(errors=1)
        self.position = replace(self.position, event_time=at.isoformat())
        self._report_when_due()
        return answer

    def _count(self, **increments: int) -> None:
        values = {name: getattr(self.position, name) + by for name, by in increments.items()}
        self.position = replace(self.position, **values)

    def _report_when_due(self) -> None:
        if time.monotonic() - self._reported >= _REPORT_SECONDS:
            self._report()

    def _report(self) -> None:
        self._reported = time.monotonic()
        document = asdict(self.position)
        write_json(self._position_file, document)
        self._output.write(json.dumps(document) + "\n")
        self._output.flush()


def _feedback(rating: Rating, what: Mapping[str, Any]) -> dict[str, Any]:
    return {"user_id": rating.user_id, "timestamp": rating.at.isoformat(), **what}
