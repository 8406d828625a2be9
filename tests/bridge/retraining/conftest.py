"""A model's worker that tests step by hand, with real trainers and a real service to reload."""

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from recwatch.registry import Manifest
from recwatch.testing import wait_until
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining import runs
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.gate import Rule
from recwatch_bridge.retraining.launchers.command import CommandLauncher
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.retrain import RetrainWorker, Stepper
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.store import Store


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

    def worker(
        self, *, before: Sequence[Stepper] = (), after: Sequence[Stepper] = (), **changes: Any
    ) -> RetrainWorker:
        """A new worker, as after a restart; `changes` are of its plan."""
        return RetrainWorker(replace(self.plan, **changes), self.books(), before=before, after=after)

    def books(self, store: Store | None = None) -> Bookkeeper:
        """Where outcomes are stored and told."""
        return Bookkeeper(
            store or self.store,
            folder=self.workplace.folder / "runs",
            sinks=["email", "slack"],
            metrics=self.metrics,
            clock=self.clock,
            wake_sinks=lambda: None,
            external_url="https://bridge.example",
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

    def put_into_service(self) -> str:
        """Publish a version and promote it, as somebody would by hand."""
        registry = self.plan.registry
        now = datetime.now(UTC)
        version = registry.new_version(now)
        with registry.publish(version) as folder:
            Manifest(model="als", version=version, trained_at=now, data_version="test").write(folder)
        registry.promote(version, reason="by hand")
        return version

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
