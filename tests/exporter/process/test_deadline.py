import threading
from datetime import timedelta

import pytest

from recwatch_exporter.errors import CheckCancelledError, CheckTimeoutError
from recwatch_exporter.process.deadline import Deadline


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_time_runs_out() -> None:
    clock = Clock()
    deadline = Deadline(timedelta(seconds=90), clock=clock)
    deadline.check()
    clock.seconds = 90

    with pytest.raises(
        CheckTimeoutError, match=r"^took longer than its timeout of 1m30s: read less, or raise timeout$"
    ):
        deadline.check()


def test_guard_stops_between_items() -> None:
    clock = Clock()
    deadline = Deadline(timedelta(seconds=1), clock=clock)
    items = deadline.guard([1, 2, 3])
    assert next(items) == 1
    clock.seconds = 2

    with pytest.raises(CheckTimeoutError):
        next(items)


def test_guard_hands_on_everything_in_time() -> None:
    assert list(Deadline(timedelta(minutes=1)).guard(range(3))) == [0, 1, 2]


def test_cancel_interrupts_what_runs() -> None:
    deadline, interrupted = Deadline(timedelta(minutes=1)), threading.Event()
    with deadline.interrupting(interrupted.set):
        assert not interrupted.is_set()
        deadline.cancel()
        assert interrupted.is_set()

    with pytest.raises(CheckCancelledError):
        deadline.check()


def test_the_end_of_the_time_interrupts_what_runs() -> None:
    deadline, interrupted = Deadline(timedelta(milliseconds=10)), threading.Event()
    with deadline.interrupting(interrupted.set):
        assert interrupted.wait(10)


def test_nothing_is_interrupted_afterwards() -> None:
    deadline, interrupted = Deadline(timedelta(minutes=1)), threading.Event()
    with deadline.interrupting(interrupted.set):
        pass
    deadline.cancel()

    assert not interrupted.is_set()


def test_the_time_begins_anew() -> None:
    clock = Clock()
    deadline = Deadline(timedelta(seconds=90), clock=clock)
    clock.seconds = 89

    deadline.restart(grace=timedelta(seconds=1))

    clock.seconds = 89 + 90
    deadline.check()
    clock.seconds = 89 + 91
    with pytest.raises(CheckTimeoutError, match=r"^took longer than its timeout of 1m30s: "):
        deadline.check()


def test_the_rest_of_the_time_is_told_and_never_negative() -> None:
    now = [0.0]
    deadline = Deadline(timedelta(seconds=10), clock=lambda: now[0])
    now[0] = 4.0
    assert deadline.remaining() == 6.0
    now[0] = 11.0
    assert deadline.remaining() == 0.0
