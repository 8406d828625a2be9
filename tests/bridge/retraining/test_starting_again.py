"""A trainer that is still to be started: later, by the next bridge, by one of two, once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.launchers.base import Ended, Handle, LaunchError, NotStarted, Order, Running
from recwatch_bridge.retraining.starting import Starting
from recwatch_bridge.worker import IDLE


class Disturbed:
    """A launcher during whose start something happens; what it was asked to stop is in `stopped`."""

    poll = 0.01

    def __init__(self, meanwhile: Callable[[str], None]) -> None:
        self._meanwhile = meanwhile
        self.stopped: list[str] = []

    def launch(self, order: Order) -> Handle:
        self._meanwhile(order.run_id)
        return {"task": order.run_id}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        raise AssertionError((order, handle))

    def stop(self, order: Order, handle: Handle) -> str | None:
        assert handle["task"]
        self.stopped.append(order.run_id)
        return None


class Remote:
    """A launcher whose end is away until `errors` are used up; starts, and what was looked for, are noted."""

    poll = 0.01

    def __init__(self, *errors: LaunchError) -> None:
        self.errors = list(errors)
        self.tried = 0
        self.asked: list[str] = []
        self.unknown: list[str] = []

    def launch(self, order: Order) -> Handle:
        self.tried += 1
        if self.errors:
            raise self.errors.pop(0)
        self.asked.append(order.reason)
        return {"task": order.run_id}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended | NotStarted:
        if handle is None:
            self.unknown.append(order.run_id)
            return NotStarted()
        assert handle == {"task": order.run_id}
        return Ended(1)

    def stop(self, order: Order, handle: Handle) -> str | None:
        raise AssertionError((order, handle))


def away(retry_after: float | None = 20.0) -> LaunchError:
    return LaunchError("the API was not reached", retry_after=retry_after)


def test_trainer_is_started_once_its_end_is_back(shop: Any) -> None:
    launcher = Remote(away(), away())
    worker = shop.worker(launcher=launcher)
    shop.alarm()
    assert worker.step() == IDLE
    assert (shop.last.state, launcher.tried) == ("running", 1)
    shop.clock.now += 19
    assert shop.worker(launcher=launcher).step() == 1.0  # also after a restart
    assert launcher.tried == 1
    for _ in range(2):
        shop.clock.now += 20
        worker.step()
    assert (launcher.asked, launcher.unknown) == (["DriftDetected: rating_scale has drifted"], [])
    run = shop.until(worker, "failed")
    assert (run.error, run.no_trainer) == ("the trainer ended with exit code 1", None)


def test_trainer_whose_end_stays_away_costs_no_cooldown(shop: Any) -> None:
    launcher = Remote(*[away()] * 100)
    worker = shop.worker(launcher=launcher)
    shop.alarm()
    began = shop.clock.now
    while (wait := worker.step()) and shop.last.state != "failed":
        shop.clock.now += wait
    assert shop.plan.timeout < shop.clock.now - began <= shop.plan.timeout + 20
    assert shop.last.error == "no trainer was started within 60 s: the API was not reached"
    assert shop.subjects("email")[-1] == "[CRITICAL] Retraining failed: als"
    for _ in range(5):  # nor one of the starts that a day has
        shop.alarm()
        worker.step()
        shop.clock.now += 61
        assert shop.until(worker, "failed").started == shop.clock.now - 61


def test_clock_that_was_set_back_keeps_no_trainer_from_its_start(shop: Any) -> None:
    launcher = Remote(away(3_600.0))
    worker = shop.worker(launcher=launcher)
    shop.alarm()
    assert worker.step() <= 60
    shop.clock.now -= 86_400
    worker.step()
    assert len(launcher.asked) == 1


def test_trainer_that_a_killed_bridge_did_not_start_is_started(shop: Any) -> None:
    def die(_: str) -> None:
        raise KeyboardInterrupt

    shop.alarm()
    with pytest.raises(KeyboardInterrupt):
        shop.worker(launcher=Disturbed(die)).step()
    launcher = Remote()
    worker = shop.worker(launcher=launcher)
    worker.step()
    assert (launcher.unknown, launcher.tried) == ([shop.last.id], 1)
    assert (shop.last.state, shop.last.handle) == ("running", {"task": shop.last.id})
    assert len(shop.messages("email")) == 1


def test_trainer_that_nobody_started_in_time_is_not_started(shop: Any) -> None:
    shop.alarm()
    launcher = Remote(away())
    shop.worker(launcher=launcher).step()
    with shop.store.write() as connection:
        runs.note(connection, shop.last, handle=None)
    shop.clock.now += 61
    shop.worker(launcher=launcher).step()
    assert (shop.last.state, shop.last.no_trainer, launcher.tried) == ("failed", True, 1)
    assert str(shop.last.error).endswith("the bridge was killed before it started the trainer")


def test_second_trainer_is_stopped_where_another_bridge_has_started_one(shop: Any) -> None:
    def start(run_id: str) -> None:
        with shop.store.write() as connection:
            runs.note(connection, runs.get(connection, run_id), handle={"task": "the other's"})

    launcher = Disturbed(start)
    shop.alarm()
    shop.worker(launcher=launcher).step()
    assert launcher.stopped == [shop.last.id]
    assert (shop.last.state, shop.last.handle) == ("running", {"task": "the other's"})


def test_of_two_bridges_that_would_start_a_trainer_at_once_one_does(shop: Any) -> None:
    launcher = Remote(away())
    shop.alarm()
    shop.worker(launcher=launcher).step()
    run = shop.last
    shop.clock.now += 20
    plan = replace(shop.plan, launcher=launcher)
    waits = [Starting(plan, shop.books()).look(run) for _ in range(2)]
    assert (launcher.asked, waits) == (["DriftDetected: rating_scale has drifted"], [0.01, 0.0])


def test_bridge_that_does_not_lead_any_more_starts_no_trainer(shop: Any) -> None:
    leads = [False, True, False, True]
    launcher = Remote(away())
    starting = Starting(replace(shop.plan, launcher=launcher), shop.books(), leads=lambda: leads.pop(0))
    shop.alarm()
    assert (starting.start(shop.last), shop.last.state) == (IDLE, "pending")
    starting.start(shop.last)
    assert (shop.last.state, launcher.tried) == ("running", 1)
    shop.clock.now += 20
    assert (starting.look(shop.last), launcher.tried) == (IDLE, 1)
    starting.look(shop.last)
    assert launcher.asked
