"""A model's worker with everything: a run's candidate is promoted, fails in service, and is rolled back."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from recwatch.testing import PrometheusServer, wait_until
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.retraining import rollbacks
from recwatch_bridge.retraining.plan import WatchPlan
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.retraining.retrain import RetrainWorker
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.retraining.watch import POLL, Watcher


@pytest.fixture
def prometheus() -> Iterator[PrometheusServer]:
    with PrometheusServer() as server:
        yield server


@pytest.fixture
def worker(shop: Any, service: Any, prometheus: PrometheusServer) -> RetrainWorker:
    watch = WatchPlan(period=60.0, max_errors=0.05, min_requests=50)
    shop.plan = replace(shop.plan, watch=watch, reloader=Reloader(service.url, None))
    client = Prometheus(prometheus.url)
    driver = RollbackDriver(shop.plan, shop.books(), client)
    watcher = Watcher(shop.plan, shop.books(), client)
    made: RetrainWorker = shop.worker(before=[driver], after=[watcher])
    return made


def ended(shop: Any, worker: RetrainWorker, watch: str) -> bool:
    worker.step()
    shop.clock.now += POLL
    with shop.store.read() as connection:
        left = rollbacks.unfinished(connection, "als")
    return shop.last.watch == watch and not left


def test_a_promotion_that_fails_in_service_is_undone(
    shop: Any, service: Any, prometheus: PrometheusServer, worker: RetrainWorker
) -> None:
    before = shop.put_into_service()
    prometheus.default = 100.0  # requests, and as many errors
    shop.alarm()
    shop.until(worker, "promoted")
    candidate = shop.plan.registry.current()
    wait_until(lambda: ended(shop, worker, "rolled_back"), timeout=30)
    assert shop.plan.registry.current() == before
    assert len(service.asked) == 2
    assert [subject.partition(":")[0] for subject in shop.subjects("email")] == [
        "[INFO] Retraining started",
        "[INFO] Model promoted",
        "[CRITICAL] Rolling back",
        "[WARNING] Model rolled back",
    ]
    rolled_back = shop.plan.registry.history()[-1]
    assert (rolled_back.previous, rolled_back.action) == (candidate, "rollback")
    assert f"(run {shop.last.id})" in rolled_back.reason


def test_a_folder_that_cannot_be_written_for_a_while_keeps_no_bad_version_in_service(
    shop: Any, prometheus: PrometheusServer, worker: RetrainWorker
) -> None:
    before = shop.put_into_service()
    prometheus.default = 100.0
    shop.alarm()
    shop.until(worker, "promoted")
    lock = shop.plan.registry.folder / ".lock"
    lock.unlink()
    lock.mkdir()
    wait_until(lambda: bool(worker.step()) and shop.last.watch == "rolling_back", timeout=30)
    for _ in range(3):
        worker.step()
        shop.clock.now += POLL
    assert (shop.last.watch, shop.plan.registry.current()) == ("rolling_back", shop.last.version)
    lock.rmdir()
    wait_until(lambda: ended(shop, worker, "rolled_back"), timeout=30)
    assert shop.plan.registry.current() == before
    assert shop.value("bridge_watches_total", outcome="rolled_back") == 1


@pytest.mark.parametrize("damage", ["failed", "declined"])
def test_a_rollback_that_could_not_be_is_not_called_one(
    shop: Any, prometheus: PrometheusServer, worker: RetrainWorker, damage: str
) -> None:
    before = shop.put_into_service() if damage == "failed" else None
    prometheus.default = 100.0
    shop.alarm()
    shop.until(worker, "promoted")
    if before is not None:
        (shop.plan.registry.path(before) / "manifest.json").unlink()
    wait_until(lambda: ended(shop, worker, "not_rolled_back"), timeout=30)
    assert shop.plan.registry.current() == shop.last.version
    assert shop.subjects("email")[-1].partition(":")[0].endswith(f"Rollback {damage}")
    assert shop.value("bridge_watches_total", outcome="not_rolled_back") == 1
    assert shop.value("bridge_watches_total", outcome="rolled_back") == 0


def test_a_promotion_that_holds_stays(
    shop: Any, service: Any, prometheus: PrometheusServer, worker: RetrainWorker
) -> None:
    shop.put_into_service()
    shop.alarm()
    shop.until(worker, "promoted")
    candidate = shop.plan.registry.current()
    prometheus.values = {
        f'sum(increase(recommender_requests_total{{model="als",outcome!="cancelled"}}[{window}s]))': 100.0
        for window in range(61)
    }
    wait_until(lambda: ended(shop, worker, "passed"), timeout=30)
    assert shop.plan.registry.current() == candidate
    assert (len(service.asked), len(shop.subjects("slack"))) == (1, 3)
