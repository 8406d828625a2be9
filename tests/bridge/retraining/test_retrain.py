"""A model's worker as a whole, step by step."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from recwatch.registry import ModelRegistry
from recwatch.testing import wait_until
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import IDLE


def test_states_in_order(shop: Any) -> None:
    shop.put_into_service()
    worker = shop.worker()
    assert worker.step() > 0
    shop.alarm()
    seen = []

    def reached() -> bool:
        seen.append(shop.last.state)
        worker.step()
        return bool(shop.last.state == "promoted")

    wait_until(reached, timeout=30)
    assert list(dict.fromkeys(seen)) == ["pending", "running", "gating", "promoting"]
    run = shop.last
    assert run.version == shop.plan.registry.current()
    assert shop.plan.registry.history()[-1].reason.startswith(f"run {run.id}: ndcg@10 is 1.053")
    told = ["[INFO] Retraining started: als", f"[INFO] Model promoted: als {run.version}"]
    assert shop.subjects("email") == shop.subjects("slack") == told


def test_notices_of_a_run_are_a_thread(shop: Any) -> None:
    shop.alarm()
    shop.until(shop.worker(), "promoted")
    started, promoted = shop.messages("email")
    assert (started.reply_to, promoted.reply_to) == (None, started.uid)


def test_database_trouble_is_counted_and_survived(shop: Any) -> None:
    worker = shop.worker()
    errors = shop.metrics.worker_errors.labels("retrain-als")
    with shop.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE runs RENAME TO hidden")
    worker.start()
    wait_until(lambda: errors._value.get() >= 1)
    with shop.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO runs")
    shop.alarm()
    worker.wake()
    wait_until(lambda: shop.last.state == "promoted", timeout=30)
    worker.stop()
    worker.join(10)
    assert not worker.is_alive()


@dataclass
class Counting:
    """Something else that is done about the model."""

    wait: float | None
    steps: int = 0

    def step(self) -> float | None:
        self.steps += 1
        return self.wait


def test_what_else_is_done_about_the_model_has_its_turn(shop: Any) -> None:
    before, after = Counting(3.0), Counting(None)
    worker = shop.worker(before=[before], after=[after])
    assert worker.step() == 3.0
    before.wait = None
    assert worker.step() == IDLE
    shop.alarm()
    shop.until(worker, "promoted")
    assert before.steps == after.steps > 4


class Failing:
    """Something else that is done about the model, and fails."""

    def step(self) -> float:
        raise AssertionError("unforeseen")


def test_what_fails_holds_up_nothing_else(shop: Any) -> None:
    after = Counting(None)
    worker = shop.worker(before=[Failing()], after=[after])
    shop.alarm()

    def promoted() -> bool:
        with pytest.raises(AssertionError, match="unforeseen"):
            worker.step()
        return bool(shop.last.state == "promoted")

    wait_until(promoted, timeout=30)
    assert after.steps > 4


class OddRegistry(ModelRegistry):
    """One that fails in a way that nobody foresees."""

    error: Exception = KeyError("un\0foreseen\ud800")

    def current(self) -> str | None:
        raise self.error

    def history(self) -> Any:
        raise self.error


class OddService(Reloader):
    def call(self) -> str | None:
        raise KeyError("unforeseen")


@pytest.mark.parametrize("state", ["pending", "gating", "promoting", "promoted"])
def test_run_whose_step_goes_on_failing_ends(shop: Any, state: str) -> None:
    service = OddService("http://127.0.0.1/", None)
    shop.alarm()
    shop.until(shop.worker(reloader=service), state) if state != "pending" else None
    odd = shop.plan.registry if state == "promoted" else OddRegistry(shop.plan.registry.folder)
    worker = shop.worker(registry=odd, reloader=service)
    for wait in (0, 599):
        shop.clock.now += wait
        with pytest.raises(KeyError):
            worker.step()
    shop.clock.now += 1
    worker.step()
    run = shop.last
    assert (run.state, run.reload) == (("promoted", "failed") if state == "promoted" else ("failed", None))
    assert str(run.error).startswith(f"{state} failed again and again for 600 s: KeyError('un")
    assert ("see whether" in str(run.error)) == (state == "promoting")
    assert worker.step() == IDLE
    title = f"Service not reloaded: als {run.version}" if state == "promoted" else "Retraining failed: als"
    assert shop.subjects("email")[-1] == f"[CRITICAL] {title}"


def test_run_whose_candidate_waits_for_an_answer_can_fail_too(shop: Any) -> None:
    shop.alarm()
    shop.until(shop.worker(approval=60.0), "approving")
    with shop.store.write() as connection:
        runs.note(connection, shop.last, approved_by="bob")
    worker = shop.worker(approval=60.0)

    def fail(*_: object) -> float:
        raise KeyError

    worker._steps["approving"] = fail
    with pytest.raises(KeyError):
        worker.step()
    shop.clock.now += 600
    worker.step()
    assert shop.last.state == "failed"


def test_run_waits_for_a_database_however_long_it_is_in_trouble(shop: Any) -> None:
    error = OperationalError("SELECT 1", {}, OSError("database is locked"))
    registry = type("Busy", (OddRegistry,), {"error": error})(shop.plan.registry.folder)
    shop.alarm()
    worker = shop.worker(registry=registry)
    for _ in range(5):
        with pytest.raises(OperationalError):
            worker.step()
        shop.clock.now += 600
    assert shop.last.state == "pending"


@dataclass
class OthersLead:
    """A database on which another bridge works for the model, until it goes away."""

    store: Store
    leads: bool = False

    def lead(self, name: str) -> Any:
        assert name == "retrain-als"
        return self

    def held(self) -> bool:
        return self.leads

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_worker_leaves_the_model_to_the_bridge_that_leads(shop: Any) -> None:
    shared = OthersLead(shop.store)
    worker = replace(shop, store=shared).worker()
    shop.alarm()
    assert worker.step() == IDLE
    assert shop.last.state == "pending"
    shared.leads = True
    shop.until(worker, "promoted")
