"""A real worker over a real Redis."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining.launchers.base import Ended, Order, Running
from recwatch_bridge.retraining.launchers.celery.launcher import CeleryLauncher

Launchers = Callable[..., CeleryLauncher]

pytestmark = pytest.mark.all


def ended(launcher: CeleryLauncher, order: Order, handle: dict[str, Any] | None) -> Ended:
    found: list[Running | Ended] = []

    def over() -> bool:
        found.append(launcher.look(order, handle))
        return isinstance(found[-1], Ended)

    wait_until(over, timeout=30)
    last = found[-1]
    assert isinstance(last, Ended)
    return last


def at_work(launcher: CeleryLauncher, order: Order) -> Callable[[], bool]:
    """Whether its worker says so: by then the broker has forgotten the task."""

    def is_it() -> bool:
        launcher.look(order, None)
        return "with the worker" in order.log.read_text(encoding="utf-8")

    return is_it


def test_from_start_to_result(worker: Any, launcher: Launchers, order: Order) -> None:
    works = worker()
    works.hold.touch()
    launch = launcher()
    handle = launch.launch(order)
    wait_until(at_work(launch, order), timeout=30)
    assert launch.look(order, handle) == Running(handle)
    # The bridge dies and comes back, with the handle and without.
    assert launcher().look(order, handle) == Running(handle)
    assert isinstance(launcher().look(order, None), Running)
    works.hold.unlink()
    assert ended(launcher(), order, handle) == Ended(0)
    result = json.loads(order.result.read_bytes())
    assert (result["version"], result["reason"]) == ("v2", "rating_scale has drifted")
    assert works.starts() == [order.run_id]


@pytest.mark.parametrize(
    ("model", "said"),
    [("broken", "the task failed: ValueError: no data of broken"), ("mute", "the task returned no mapping")],
)
def test_failures_are_said(worker: Any, launcher: Launchers, order: Order, model: str, said: str) -> None:
    worker()
    launch = launcher()
    order = replace(order, model=model)
    found = ended(launch, order, launch.launch(order))
    assert found.error is not None
    assert found.error.startswith(said)
    assert ("Traceback" in order.log.read_text(encoding="utf-8")) == (model == "broken")


def test_a_task_at_work_is_stopped(worker: Any, launcher: Launchers, order: Order) -> None:
    works = worker()
    works.hold.touch()
    launch = launcher()
    handle = launch.launch(order)
    wait_until(lambda: works.starts() == [order.run_id], timeout=30)
    assert launch.stop(order, handle) is None
    assert ended(launch, order, handle).error == "the task was revoked"


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_worker_that_does_not_answer_is_not_taken_for_gone(
    worker: Any, launcher: Launchers, order: Order, ticks: Any, pool: str
) -> None:
    works = worker(f"--pool={pool}")
    works.hold.touch()
    launch = launcher(grace=0.2)
    handle = launch.launch(order)
    wait_until(lambda: works.starts() == [order.run_id], timeout=30)
    worker()  # Idle; answers.
    if pool == "prefork":
        # One with a single thread answers nothing while it trains.
        works.process.send_signal(signal.SIGSTOP)
    for _ in range(3):
        ticks.now += 100
        assert launch.look(order, handle) == Running(handle)
    assert launch.stop(order, handle) == "1 worker(s) did not answer: stop the task there"
    works.process.send_signal(signal.SIGCONT)
    works.hold.unlink()
    assert isinstance(ended(launch, order, handle), Ended)
    # Counting those who listen troubles no worker.
    assert "decode" not in works.log()
    assert "Traceback" not in works.log()


def test_the_task_of_a_killed_worker_is_lost_after_a_while(
    worker: Any, launcher: Launchers, order: Order, ticks: Any
) -> None:
    works = worker()
    works.hold.touch()
    launch = launcher()
    handle = launch.launch(order)
    wait_until(at_work(launch, order), timeout=30)
    works.kill()
    worker()
    assert launch.look(order, handle) == Running(handle)
    ticks.now += 59
    assert launch.look(order, handle) == Running(handle)
    ticks.now += 1
    found = launch.look(order, handle)
    assert isinstance(found, Ended)
    assert found.error is not None
    assert found.error.startswith("the task is in no queue, with no worker and without a result")
