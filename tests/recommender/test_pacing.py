import threading
from datetime import UTC, datetime, timedelta

import pytest

from recommender.pacing import Pacer

START = datetime(2003, 5, 1, tzinfo=UTC)


def pacer(now: list[float], *, stop: threading.Event | None = None) -> Pacer:
    return Pacer(START, 2.0, 10.0, stop or threading.Event(), clock=lambda: now[0])


def test_event_time_is_mapped_to_the_clock() -> None:
    now = [100.0]
    assert pacer(now).due(START + timedelta(days=6)) == pytest.approx(103.0)


def test_requests_of_one_moment_are_spread_by_the_limit() -> None:
    now = [100.0]
    found = pacer(now)
    assert found.wait(START, at_most=0)
    assert found.due(START) == pytest.approx(100.1)
    assert not found.wait(START, at_most=0)
    now[0] = 100.2
    assert found.wait(START, at_most=0)


def test_a_late_replay_does_not_wait() -> None:
    now = [100.0]
    found = pacer(now)
    now[0] = 150.0
    assert found.wait(START + timedelta(days=2), at_most=0)


def test_what_is_not_due_yet_is_not_sent() -> None:
    assert not pacer([100.0]).wait(START + timedelta(days=100), at_most=0)


def test_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    found = pacer([100.0], stop=stop)
    stop.set()
    assert not found.wait(START, at_most=1000)
    assert found.stopped
