"""One check by itself: the clock is passed, runs are real threads."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from recwatch.health.check import Check
from recwatch.health.result import Result
from recwatch.testing import wait_until

Make = Callable[..., Check]


@pytest.fixture
def reported() -> list[Result]:
    return []


@pytest.fixture
def make(reported: list[Result]) -> Make:
    def make(call: Callable[[], Any], **settings: Any) -> Check:
        told: Any = {"timeout": 2.0, "critical": True, "every": 10.0, "unit": None, **settings}
        return Check(
            "c", call, report=lambda _name, result: reported.append(result), wake=lambda: None, **told
        )

    return make


def test_it_runs_when_due(make: Make, reported: list[Result]) -> None:
    runs: list[int] = []
    check = make(lambda: runs.append(1))
    assert check.result == Result()
    assert check.step(100.0) == 102.0
    wait_until(lambda: len(reported) == 1)
    assert check.step(101.0) == check.step(109.9) == 110.0
    assert len(runs) == 1
    check.step(110.0)
    wait_until(lambda: len(reported) == 2)
    assert check.result.status == "up"


def test_a_run_that_hangs_keeps_its_place_and_has_one_thread(make: Make, reported: list[Result]) -> None:
    end = threading.Event()
    check = make(end.wait)
    before = threading.active_count()
    check.step(100.0)
    assert check.step(101.0) == 102.0
    assert not reported
    assert check.step(102.0) == 112.0
    assert [result.status for result in reported] == ["timeout"]
    for now in (103.0, 111.9):
        assert check.step(now) == 112.0
    assert len(reported) == 1
    assert check.step(140.0) == 150.0
    assert reported[1].message == "no answer within 2 s; it has been running for 40 s"
    assert threading.active_count() == before + 1
    end.set()
    wait_until(lambda: threading.active_count() == before)
    # What comes too late does not count; the next run does.
    assert check.result.status == "timeout"
    check.step(141.0)
    wait_until(lambda: check.result.status == "up")
    assert len(reported) == 3


def test_an_async_check_runs_and_is_cancelled_when_late(make: Make) -> None:
    ended: list[str] = []

    async def quick() -> float:
        await asyncio.sleep(0)
        return 7

    async def hanging() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    check = make(quick)
    check.step(100.0)
    wait_until(lambda: check.result.status == "up")
    assert check.result.value == 7.0
    check = make(hanging, timeout=0.01)
    check.step(100.0)
    wait_until(lambda: check.result.status == "timeout")
    assert (check.result.message, ended) == ("no answer within 0.01 s", ["cancelled"])


def test_an_error_of_its_own_is_not_taken_for_ours(make: Make) -> None:
    async def check_of_theirs() -> None:
        raise TimeoutError("the pool is empty")

    check = make(check_of_theirs)
    check.step(100.0)
    wait_until(lambda: check.result.status == "down")
    assert check.result.message == "TimeoutError: the pool is empty"


def test_whatever_it_raises_is_its_answer(make: Make) -> None:
    def leave() -> None:
        raise SystemExit(3)

    check = make(leave)
    check.step(100.0)
    wait_until(lambda: check.result.status == "down")
    assert check.result.message == "SystemExit: 3"


def test_it_begins_anew_after_a_fork(make: Make, reported: list[Result]) -> None:
    end = threading.Event()
    check = make(end.wait)
    check.step(100.0)
    check.reset()
    assert check.result.status == "unknown"
    end.set()
    check.step(100.0)
    wait_until(lambda: check.result.status == "up")
    # The run of before the fork says nothing.
    assert len(reported) == 1


def test_a_check_whose_error_cannot_be_shown_runs_again(make: Make, reported: list[Result]) -> None:
    class Mute(Exception):  # noqa: N818 - reads as what it is
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def fail() -> None:
        raise Mute

    check = make(fail)
    check.step(100.0)
    wait_until(lambda: len(reported) == 1)
    check.step(110.0)
    wait_until(lambda: len(reported) == 2)
    assert [result.status for result in reported] == ["down", "down"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_run_that_cannot_be_judged_gives_its_place_back(make: Make, reported: list[Result]) -> None:
    class Worse(Exception):  # noqa: N818 - reads as what it is
        def __str__(self) -> str:
            raise SystemExit

    def fail() -> None:
        raise Worse

    check = make(fail)
    for number in (1, 2):
        check.step(100.0 * number)
        wait_until(lambda number=number: len(reported) == number)  # type: ignore[misc]
    assert {result.message for result in reported} == {"what the check answered cannot be judged"}
