"""Two bridges on one PostgreSQL database: one run at a time a model, started once, by one of them."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from recwatch.testing import PrometheusServer, wait_until
from recwatch_bridge.config import WeeklyLook as Settings
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import approvals, runs, trigger
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.launchers.base import Ended, Handle, Order, Running
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.retrain import RetrainWorker
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.retraining.schedule import read_schedule
from recwatch_bridge.retraining.weekly_look import WeeklyLook
from recwatch_bridge.scheduled import Frame
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import IDLE

LIMITS = Limits(cooldown=3_600.0, max_per_day=6)


@dataclass
class Trainers:
    """A launcher whose trainers both bridges can see."""

    poll: float = 0.01
    starts: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def launch(self, order: Order) -> Handle:
        self.starts.append(order.run_id)
        return {"run": order.run_id}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended:
        if not self.over.is_set():
            return Running(handle or {"run": order.run_id})
        order.folder.mkdir(parents=True, exist_ok=True)
        order.result.write_text(json.dumps({"version": "v1", "metrics": {}, "samples": 1}))
        return Ended(0)

    def stop(self, order: Order, handle: Handle) -> str | None:
        return f"{order.run_id} {handle} goes on"


@pytest.fixture
def trainers() -> Trainers:
    return Trainers()


@pytest.fixture
def worker(workplace: Any, clock: Any, trainers: Trainers) -> Callable[[Store], RetrainWorker]:
    """Makes the model's worker of a bridge."""

    def make(store: Store) -> RetrainWorker:
        plan = ModelPlan(
            name="als",
            launcher=trainers,
            registry=workplace.registry,
            rules={},
            min_samples=100,
            timeout=60.0,
        )
        books = Bookkeeper(
            store,
            folder=workplace.folder / "runs",
            sinks=["email"],
            metrics=BridgeMetrics(CollectorRegistry(), sinks=["email"], models=["als"]),
            clock=clock,
            wake_sinks=lambda: None,
        )
        return RetrainWorker(plan, books)

    return make


def all_runs(store: Store) -> list[Run]:
    with store.read() as connection:
        return [run for run, _ in runs.newest(connection, 100)]


def test_of_many_questions_at_once_one_run_begins(
    stores: tuple[Store, Store], worker: Callable[[Store], RetrainWorker], trainers: Trainers, clock: Any
) -> None:
    def ask(number: int) -> trigger.Asked:
        return trigger.manual(stores[number % 2], LIMITS, "als", reason="", by=str(number), now=clock())

    workers = [worker(store) for store in stores]
    for each in workers:
        each.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            asked = list(pool.map(ask, range(24)))
        for each in workers:
            each.wake()
        wait_until(lambda: all_runs(stores[0])[0].state == "running", timeout=30)
        assert sum(each.created for each in asked) == 1
        assert len({each.run_id for each in asked}) == 1
        trainers.over.set()
        wait_until(lambda: all_runs(stores[0])[0].state == "failed", timeout=30)
    finally:
        for each in workers:
            each.stop()
            each.join(10)
    (run,) = all_runs(stores[1])
    assert trainers.starts == [run.id]
    with stores[0].read() as connection:
        assert len(runs.reasons_of(connection, run.id)) == 24


def test_bridge_that_loses_the_database_is_followed_by_the_other(
    stores: tuple[Store, Store], worker: Callable[[Store], RetrainWorker], trainers: Trainers, clock: Any
) -> None:
    first, second = (worker(store) for store in stores)
    trigger.manual(stores[0], LIMITS, "als", reason="", by="alice", now=clock())
    first.step()
    assert (second.step(), trainers.starts) == (IDLE, [all_runs(stores[1])[0].id])
    with stores[1].write() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )
    trainers.over.set()
    wait_until(lambda: second.step() == 0.0, timeout=30)
    assert first.step() == IDLE
    wait_until(lambda: second.step() == IDLE, timeout=30)
    assert (all_runs(stores[0])[0].state, len(trainers.starts)) == ("failed", 1)


def test_of_many_answers_at_both_bridges_one_counts(stores: tuple[Store, Store], clock: Any) -> None:
    with stores[0].write() as connection:
        run_id = runs.create(connection, "als", "alert", not_before=clock(), now=clock())
        run = runs.get(connection, run_id)
        runs.note(connection, run, state="approving", approve_until=clock() + 60)

    def answer(number: int) -> bool:
        store = stores[number % 2]
        return approvals.decide(store, run_id, approve=number % 3 == 0, by=str(number), clock=clock)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, range(16))) == 1


def test_both_bridges_look_once_a_week(
    stores: tuple[Store, Store], metrics: BridgeMetrics, clock: Any
) -> None:
    schedule = read_schedule(Settings())
    with PrometheusServer() as server:
        server.fire({"alertname": "DriftDetected", "action": "retrain", "model": "als"})
        looks = [
            WeeklyLook(
                Frame(store, schedule, ["email"], metrics, clock, wake_sinks=lambda: None),
                Prometheus(server.url),
                limits={"als": LIMITS},
                wake_models=lambda: None,
            )
            for store in stores
        ]
        looks[0].step()
        clock.now = schedule.next(clock.now)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda look: look.step(), looks))
    assert len(all_runs(stores[0])) == 1
    assert metrics.registry.get_sample_value("bridge_weekly_looks_total", {"outcome": "success"}) == 1
