"""A model's worker, step by step, with real trainers and a real service to reload."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recwatch.registry import Manifest
from recwatch.testing import free_port, wait_until
from recwatch_bridge import outbox, runs
from recwatch_bridge.accept import Acceptor
from recwatch_bridge.gate import Rule
from recwatch_bridge.launchers.command import CommandLauncher
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.outbox import Message
from recwatch_bridge.reload import Reloader
from recwatch_bridge.retrain import ModelPlan, RetrainWorker
from recwatch_bridge.runs import Run
from recwatch_bridge.store import Store


@dataclass
class Service:
    """A recommender as far as its reload address goes."""

    answers: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.asked.append(self.headers["Authorization"])
            self.send_response(told.answers.pop(0) if told.answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/admin/reload"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Shop:
    """A model's worker that tests step by hand, and everything around it."""

    plan: ModelPlan
    store: Store
    metrics: BridgeMetrics
    clock: Any
    workplace: Any
    alarm: Callable[..., Any]

    def worker(self, **changes: Any) -> RetrainWorker:
        """A new worker, as after a restart; `changes` are of its plan."""
        return RetrainWorker(
            replace(self.plan, **changes),
            self.store,
            folder=self.workplace.folder / "runs",
            sinks=["email", "slack"],
            metrics=self.metrics,
            clock=self.clock,
            wake_sinks=lambda: None,
        )

    @property
    def last(self) -> Run:
        with self.store.read() as connection:
            return runs.newest(connection, 1)[0][0]

    def until(self, worker: RetrainWorker, *states: str) -> Run:
        def reached() -> bool:
            worker.step()
            return self.last.state in states

        wait_until(reached, timeout=30)
        return self.last

    def messages(self, sink: str) -> list[Message]:
        with self.store.read() as connection:
            return [message for message in outbox.newest(connection, 50) if message.sink == sink]

    def subjects(self, sink: str) -> list[str]:
        return [message.subject for message in self.messages(sink)]

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"model": "als", **labels})


@pytest.fixture
def plan(workplace: Any) -> ModelPlan:
    return ModelPlan(
        name="als",
        launcher=CommandLauncher(
            [sys.executable, "trainer.py"], cwd=workplace.folder, environment=dict(os.environ), grace=0.2
        ),
        registry=workplace.registry,
        rules={"ndcg@10": Rule("ratio", 0.95)},
        min_samples=100,
        timeout=60.0,
        reload_backoff=0.01,
    )


@pytest.fixture
def alarm(acceptor: Acceptor, webhook: Any, alert: Any) -> Callable[..., Any]:
    return lambda **changes: acceptor.retrain(webhook(alert(**changes)))


@pytest.fixture
def bench(store: Store, metrics: BridgeMetrics, clock: Any) -> tuple[Store, BridgeMetrics, Any]:
    return store, metrics, clock


@pytest.fixture
def shop(bench: tuple[Store, BridgeMetrics, Any], plan: ModelPlan, workplace: Any, alarm: Any) -> Shop:
    store, metrics, clock = bench
    return Shop(plan, store, metrics, clock, workplace, alarm)


def test_states_in_order(shop: Shop) -> None:
    worker = shop.worker()
    assert worker.step() > 0
    shop.alarm()
    seen = []

    def reached() -> bool:
        seen.append(shop.last.state)
        worker.step()
        return shop.last.state == "promoted"

    wait_until(reached, timeout=30)
    assert list(dict.fromkeys(seen)) == ["pending", "running", "gating", "promoting"]
    run = shop.last
    assert run.version == shop.plan.registry.current()
    assert shop.plan.registry.history()[-1].reason.startswith(f"run {run.id}: ndcg@10 is 1.053")
    told = ["[INFO] Retraining started: als", f"[INFO] Model promoted: als {run.version}"]
    assert shop.subjects("email") == shop.subjects("slack") == told


def test_refused_candidate_changes_nothing(shop: Shop) -> None:
    shop.workplace.plan(
        result={"metrics": {"ndcg@10": 0.10}, "serving_metrics": {"ndcg@10": 0.20}, "samples": 500}
    )
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.gate is not None
    assert run.gate["summary"] == "ndcg@10 is 0.500 of the version in service, but must be at least 0.95"
    assert shop.plan.registry.current() is None
    assert shop.subjects("email")[-1] == f"[WARNING] Candidate refused: als {run.version}"
    assert shop.value("bridge_retrains_total", trigger="alert", status="refused") == 1
    assert shop.value("bridge_retrain_in_progress") == 0
    assert shop.value("bridge_retrain_duration_seconds_count") == 1


def in_service(shop: Shop) -> str:
    """Publishes a version and puts it into service, as somebody would by hand."""
    registry = shop.plan.registry
    now = datetime.now(UTC)
    version = registry.new_version(now)
    with registry.publish(version) as folder:
        Manifest(model="als", version=version, trained_at=now, data_version="test").write(folder)
    registry.promote(version, reason="by hand")
    return version


def test_candidate_that_was_not_compared_is_refused(shop: Shop) -> None:
    serving = in_service(shop)
    shop.workplace.plan(result={"metrics": {"ndcg@10": 0.9}, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.gate is not None
    assert run.gate["summary"] == (
        f"ndcg@10: {serving} is in service, but the trainer's result has no serving_metrics to compare with"
    )
    assert shop.plan.registry.current() == serving


def test_first_version_needs_no_comparison(shop: Shop) -> None:
    shop.workplace.plan(result={"metrics": {"ndcg@10": 0.9}, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "refused", "promoted", "failed")
    assert (run.state, run.serving, shop.plan.registry.current()) == ("promoted", "", run.version)


def test_candidate_is_refused_when_the_version_in_service_changed_meanwhile(shop: Shop) -> None:
    before = in_service(shop)
    worker = shop.worker()
    shop.alarm()
    run = shop.until(worker, "promoting")
    assert run.serving == before
    after = in_service(shop)
    run = shop.until(worker, "refused", "promoted", "failed")
    assert run.state == "refused"
    assert run.error == (
        f"the version in service changed while the candidate was made ({before}, now {after}): "
        "the comparison no longer holds"
    )
    assert shop.plan.registry.current() == after
    assert shop.subjects("email")[-1] == f"[WARNING] Candidate refused: als {run.version}"
    assert shop.value("bridge_retrains_total", trigger="alert", status="refused") == 1
    assert shop.value("bridge_promotions_total", outcome="success") == 0


def test_run_does_not_begin_where_the_version_in_service_cannot_be_read(shop: Shop) -> None:
    shop.plan.registry.folder.mkdir(parents=True)
    (shop.plan.registry.folder / "current").write_text("../elsewhere\n", encoding="utf-8")
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "refused", "promoted")
    assert run.state == "failed"
    assert str(run.error).startswith("'../elsewhere' is not a version")
    assert shop.workplace.starts() == []


@pytest.mark.parametrize(
    ("trainer", "error"),
    [
        ({"exit": 3}, "the trainer ended with exit code 3"),
        ({"result": {"samples": "many"}}, "the result file cannot be used: metrics: Field required"),
    ],
)
def test_failures_are_told(shop: Shop, trainer: dict[str, Any], error: str) -> None:
    shop.workplace.plan(**trainer)
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "promoted")
    assert (run.state, run.error) == ("failed", error)
    assert shop.subjects("slack")[-1] == "[CRITICAL] Retraining failed: als"


def test_missing_program_fails_the_run(shop: Shop, tmp_path: Path) -> None:
    shop.alarm()
    broken = CommandLauncher(["./none.sh"], cwd=tmp_path, environment={})
    run = shop.until(shop.worker(launcher=broken), "failed")
    assert str(run.error).startswith("./none.sh could not be started")


def test_version_that_was_not_published_fails_the_run(shop: Shop) -> None:
    shop.workplace.plan(result={"version": "v9_20261121_000000", "metrics": {"ndcg@10": 1.0}, "samples": 500})
    shop.alarm()
    run = shop.until(shop.worker(), "failed", "promoted")
    assert str(run.error).startswith("als: no version v9_20261121_000000 in")


def test_too_long_a_run_is_stopped(shop: Shop) -> None:
    shop.workplace.hold.touch()
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "running")
    wait_until(lambda: len(shop.workplace.starts()) == 1, timeout=30)
    shop.clock.now += 61
    run = shop.until(worker, "failed")
    assert run.error == "the trainer took longer than 60 s and was stopped"
    shop.workplace.hold.unlink()


def test_pending_run_waits_for_the_cooldown(shop: Shop) -> None:
    worker = shop.worker()
    shop.alarm()
    shop.until(worker, "promoted")
    shop.alarm(fingerprint="f2")
    assert 0 < worker.step() <= 30
    assert shop.last.state == "pending"
    shop.clock.now += 3600
    assert shop.until(worker, "promoted").number == 2


def test_bridge_that_died_between_promotion_and_its_record(shop: Shop) -> None:
    shop.alarm()
    run = shop.until(shop.worker(), "promoting")
    shop.plan.registry.promote(str(run.version), reason="by the bridge that died")
    shop.until(shop.worker(), "promoted")
    assert len(shop.plan.registry.history()) == 1


def test_service_is_told_with_its_token(shop: Shop, service: Service) -> None:
    service.answers = [503, 500]
    worker = shop.worker(reloader=Reloader(service.url, "admin-token"))
    shop.alarm()
    assert shop.until(worker, "promoted").reload == "pending"
    worker.step()
    assert (shop.last.state, shop.last.reload) == ("promoted", "done")
    assert service.asked == ["Bearer admin-token"] * 3
    assert shop.value("bridge_reloads_total", outcome="success") == 1


def test_service_that_does_not_reload_is_told_loudly(shop: Shop, service: Service) -> None:
    service.answers = [302] * 9
    worker = shop.worker(reloader=Reloader(service.url, None))
    shop.alarm()
    run = shop.until(worker, "promoted")
    worker.step()
    assert (shop.last.state, shop.last.reload) == ("promoted", "failed")
    assert shop.last.error == "it answered 302"
    assert len(service.asked) == 5
    assert shop.subjects("email")[-1] == f"[CRITICAL] Service not reloaded: als {run.version}"
    assert shop.value("bridge_reloads_total", outcome="error") == 1
    assert worker.step() == 30.0


def test_address_of_the_service_appears_in_no_error() -> None:
    reloader = Reloader(f"http://user:secret@127.0.0.1:{free_port()}/admin/reload", None, timeout=1)
    assert reloader.call() == "no answer (ConnectionError)"


def test_notices_of_a_run_are_a_thread(shop: Shop) -> None:
    shop.alarm()
    shop.until(shop.worker(), "promoted")
    started, promoted = shop.messages("email")
    assert (started.reply_to, promoted.reply_to) == (None, started.uid)


def test_database_trouble_is_counted_and_survived(shop: Shop) -> None:
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
