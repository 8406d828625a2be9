import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from recwatch.testing import wait_until
from recwatch_exporter.errors import CheckCancelledError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.pool import Runner


class Work:
    """Checks that run until they are let go."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[str] = []
        self.go = threading.Event()
        self.beside_itself = False
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, name: str, deadline: Deadline) -> None:
        with self._lock:
            self.beside_itself |= name in self._running
            self._running.add(name)
            self.started.append(name)
        stopped = threading.Event()
        with deadline.interrupting(stopped.set):
            while not self.go.wait(0.01) and not stopped.is_set():
                pass
        with self._lock:
            self._running.discard(name)
            self.ended.append(name)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def make_runner() -> Iterator[Callable[..., Runner]]:
    runners = []

    def make(execute: Callable[[str, Deadline], None], workers: int = 2) -> Runner:
        runner = Runner(
            execute, lambda name: None if name == "gone" else timedelta(minutes=1), workers=workers
        )
        runners.append(runner)
        runner.start()
        return runner

    yield make
    for runner in runners:
        runner.stop()


def test_different_checks_run_beside_each_other(work: Work, make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(work)
    runner.submit("a")
    runner.submit("b")

    wait_until(lambda: set(work.started) == {"a", "b"})


def test_a_check_never_runs_beside_itself_but_once_more(
    work: Work, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner(work)
    runner.submit("a")
    wait_until(lambda: work.started == ["a"])
    for _ in range(5):
        runner.submit("a")
    work.go.set()

    wait_until(lambda: work.ended == ["a", "a"])
    assert not work.beside_itself


def test_a_check_that_waits_is_not_queued_again(work: Work, make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(work, workers=1)
    runner.submit("a")
    wait_until(lambda: work.started == ["a"])
    for _ in range(5):
        runner.submit("b")
    runner.submit("c")
    work.go.set()

    wait_until(lambda: work.ended == ["a", "b", "c"])


def test_a_check_that_is_gone_is_passed_over(work: Work, make_runner: Callable[..., Runner]) -> None:
    runner = make_runner(work)
    work.go.set()
    runner.submit("gone")
    runner.submit("a")

    wait_until(lambda: work.ended == ["a"])
    assert work.started == ["a"]


def test_stopping_cancels_what_runs_and_forgets_what_waits(
    work: Work, make_runner: Callable[..., Runner]
) -> None:
    runner = make_runner(work, workers=1)
    runner.submit("a")
    runner.submit("b")
    wait_until(lambda: work.started == ["a"])

    runner.stop()

    assert work.ended == ["a"]
    runner.submit("c")
    assert work.started == ["a"]


def test_a_cancelled_check_learns_it_from_its_deadline(make_runner: Callable[..., Runner]) -> None:
    started, cancelled = threading.Event(), threading.Event()

    def until_cancelled(_name: str, deadline: Deadline) -> None:
        started.set()
        try:
            while True:
                deadline.check()
        except CheckCancelledError:
            cancelled.set()

    runner = make_runner(until_cancelled)
    runner.submit("a")
    assert started.wait(10)
    runner.stop()
    assert cancelled.is_set()


def test_a_thread_outlives_a_mistake_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def execute(name: str, _: Deadline) -> None:
        ran.append(name)
        if name == "broken":
            raise OverflowError("a mistake")

    runner = Runner(execute, lambda _: timedelta(minutes=1), workers=1)
    runner.start()
    runner.submit("broken")
    runner.submit("sound")
    wait_until(lambda: ran == ["broken", "sound"])
    runner.stop()

    assert "Traceback of what followed check broken" in caplog.text
