"""Rollbacks of a bridge that is killed in the middle, and of two bridges at once."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.storage.store import Store

# A bridge that dies right after the registry has changed, before anything of it is recorded.
KILLED = """
import os, signal, sys, time
from pathlib import Path
from prometheus_client import CollectorRegistry
from recwatch.registry import ModelRegistry
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.storage.store import Store

class Dying(ModelRegistry):
    def rollback(self, **asked):
        super().rollback(**asked)
        os.kill(os.getpid(), signal.SIGKILL)

    def promote(self, version, **asked):
        super().promote(version, **asked)
        os.kill(os.getpid(), signal.SIGKILL)

plan = ModelPlan("als", None, Dying(Path(sys.argv[2])), {}, 0, 60.0)
metrics = BridgeMetrics(CollectorRegistry(), sinks=["email"], models=["als"])
books = Bookkeeper(Store(sys.argv[1]), folder=Path("runs"), sinks=["email"], metrics=metrics, clock=time.time,
                   wake_sinks=lambda: None)
RollbackDriver(plan, books, None).step()
"""


def driver(shop: Any, plan: ModelPlan, store: Store) -> RollbackDriver:
    return RollbackDriver(plan, shop.books(store), None)


@pytest.mark.parametrize("promotes", [False, True])
def test_a_bridge_that_was_killed_in_between_does_it_once(shop: Any, promotes: bool) -> None:  # noqa: FBT001
    first, second, third = (shop.put_into_service() for _ in range(3))
    target = first if promotes else None
    with shop.store.write() as connection:
        rollbacks.create(connection, "als", trigger="manual", reason="by me", target=target, now=shop.clock())
    url = f"sqlite:///{shop.workplace.folder}/data/bridge.db"
    argv = [sys.executable, "-c", KILLED, url, str(shop.plan.registry.folder)]
    assert subprocess.run(argv, check=False, timeout=60).returncode == -signal.SIGKILL

    restarted = driver(shop, shop.plan, shop.store)
    assert restarted.step() == 0.0
    assert restarted.step() is None
    history = shop.plan.registry.history()
    assert [change.version for change in history] == [first, second, third, first if promotes else second]
    with shop.store.read() as connection:
        (kept,) = rollbacks.newest(connection, 10)
    assert (kept.state, kept.target) == ("done", history[-1].version)
    assert len(shop.messages("email")) == 1
    assert f"{history[-1].version} takes the place of {third}" in shop.messages("email")[0].body


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[list[Store]]:
    stores = [Store(postgresql_url), Store(postgresql_url)]
    yield stores
    for opened in stores:
        opened.close()


def test_two_bridges_that_both_believe_to_lead_do_it_once(shop: Any, shared: list[Store]) -> None:
    versions = [shop.put_into_service() for _ in range(6)]
    together = threading.Barrier(2)

    def work(store: Store) -> None:
        bridge = driver(shop, replace(shop.plan), store)
        for _ in range(3):
            together.wait()
            while bridge.step() is not None:
                pass

    threads = [threading.Thread(target=work, args=(store,)) for store in shared]
    for number in range(3):
        with shared[0].write() as connection:
            rollbacks.create(
                connection, "als", trigger="manual", reason="", now=shop.clock() + number, serving=None
            )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with shared[0].read() as connection:
        ends = [(item.state, item.target) for item in rollbacks.newest(connection, 10)]
    back = [change for change in shop.plan.registry.history() if change.action == "rollback"]
    assert [state for state, _ in ends] == ["done"] * 3
    assert [target for _, target in ends] == [change.version for change in back] == versions[4:1:-1]
