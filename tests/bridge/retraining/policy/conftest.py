"""The world around a bridge that the state machine drives: made up, but for the bridge's own parts."""

import errno
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from recwatch.errors import RegistryError
from recwatch.manifest import MANIFEST
from recwatch.registry import Manifest, ModelRegistry, Promotion
from recwatch_bridge import config
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.payload import Webhook
from recwatch_bridge.clock import moment
from recwatch_bridge.errors import PrometheusError
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.prometheus import FiringAlert, Prometheus
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.gate import Rule
from recwatch_bridge.retraining.launchers.base import Ended, Handle, LaunchError, NotStarted, Order, Running
from recwatch_bridge.retraining.plan import ModelPlan, WatchPlan
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.reload import Reloader
from recwatch_bridge.retraining.retrain import RetrainWorker
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.retraining.schedule import read_schedule
from recwatch_bridge.retraining.watch import Watcher
from recwatch_bridge.retraining.weekly_look import WeeklyLook
from recwatch_bridge.scheduled import Frame
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import Worker

TIMEOUT, APPROVAL, WATCH = 1_800.0, 7_200.0, 600.0
LIMITS = {"als": Limits(cooldown=3_600.0, max_per_day=3)}


NONSENSE = "a\0b\ud800\x1b[2J\u202e"
"""What no database, no terminal and no file takes."""


class OddError(Exception):
    """What nobody foresaw."""


class Killed(BaseException):
    """What kill -9 looks like from within: nothing after it is done."""


class Doom:
    """Says at which places the bridge is killed the next time that it comes there."""

    def __init__(self) -> None:
        self.place = ""

    def passes(self, place: str) -> None:
        if place == self.place:
            self.place = ""
            raise Killed


class Trainers:
    """A launcher whose trainers live in this object, which a bridge's death does not touch."""

    poll = 0.1

    def __init__(self, doom: Doom) -> None:
        self._doom = doom
        self.starts: list[str] = []
        self.at_work: dict[str, Order] = {}
        self.exit_codes: dict[str, int] = {}
        self.complaints: set[str] = set()
        self.away = False
        self.odd: set[str] = set()

    def launch(self, order: Order) -> Handle:
        self._may_be_odd("launch", order)
        if self.away:
            raise LaunchError(f"nobody answers: {NONSENSE}", retry_after=60.0)
        self._doom.passes("before the trainer")
        self.starts.append(order.run_id)
        self.at_work[order.run_id] = order
        self._doom.passes("after the trainer")
        return {"run": order.run_id}

    def look(self, order: Order, handle: Handle | None) -> Running | Ended | NotStarted:
        self._may_be_odd("look", order)
        if order.run_id in self.at_work:
            return Running(handle or {"run": order.run_id}, f"https://ci.example/{NONSENSE}")
        if order.run_id not in self.starts:
            assert handle is None
            return NotStarted()
        told = NONSENSE if order.run_id in self.complaints else None
        return Ended(self.exit_codes.get(order.run_id), told)

    def stop(self, order: Order, handle: Handle) -> str | None:
        assert handle in ({}, {"run": order.run_id})
        self.at_work.pop(order.run_id, None)
        self._may_be_odd("stop", order)
        return None

    def _may_be_odd(self, what: str, order: Order) -> None:
        if what in self.odd:
            raise OddError(NONSENSE, order.run_id)


class MortalRegistry(ModelRegistry):
    """A registry at whose changes the bridge may be killed, before them or after them.

    While the bridge looks, it may be in trouble: `full` passes, and `odd` is what nobody foresaw.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime], doom: Doom) -> None:
        super().__init__(folder, clock=clock)
        self._doom = doom
        self.trouble = ""
        self.used_by_bridge = False

    def current(self) -> str | None:
        if self.used_by_bridge and self.trouble == "odd":
            raise OddError(NONSENSE)
        if self.used_by_bridge and self.trouble == "full":
            raise RegistryError(f"als: {NONSENSE} cannot be written") from OSError(errno.ENOSPC, "full")
        return super().current()

    def promote(self, version: str, *, reason: str, **more: Any) -> Promotion:
        self._doom.passes("before the promotion")
        done = super().promote(version, reason=reason, **more)
        self._doom.passes("after the promotion")
        return done

    def rollback(self, *, reason: str, **more: Any) -> Promotion:
        self._doom.passes("before the rollback")
        done = super().rollback(reason=reason, **more)
        self._doom.passes("after the rollback")
        return done


class Recommender(Reloader):
    """A service that loads what is in service, unless it is out of order."""

    def __init__(self, doom: Doom) -> None:
        super().__init__("http://recommender.example/admin/reload", None)
        self._doom = doom
        self.broken = False
        self.odd = False

    def call(self) -> str | None:
        if self.odd:
            raise OddError(NONSENSE)
        self._doom.passes("before the reload")
        self._doom.passes("after the reload")
        return "it answered 503" if self.broken else None


class Judge(Prometheus):
    """A Prometheus that says what fires and how many requests fail, unless it is away."""

    def __init__(self, metrics: BridgeMetrics) -> None:
        super().__init__("http://prometheus.example", metrics=metrics)
        self.away = False
        self.alerts: list[FiringAlert] = []
        self.share: float | None = None

    def firing(self) -> list[FiringAlert]:
        self._answer()
        return list(self.alerts)

    def instant(self, query: str, *, at: float | None = None) -> float | None:
        assert query == "share" or at
        self._answer()
        return self.share

    def _answer(self) -> None:
        if self.away:
            raise PrometheusError("no answer")


class World:
    """One model, its trainers, its versions, and a bridge that may be killed and started again."""

    def __init__(self, alert: Callable[..., Any], webhook: Callable[..., Webhook]) -> None:
        self._alert, self._webhook = alert, webhook
        self._folder = tempfile.TemporaryDirectory(prefix="recwatch-stateful-")
        root = Path(self._folder.name)
        self.now = 1_800_000_000.0
        self.doom = Doom()
        self.trainers = Trainers(self.doom)
        self.registry = MortalRegistry(root / "als", self._moment, self.doom)
        self.store = Store(f"sqlite:///{root}/bridge.db")
        self._metrics = BridgeMetrics(CollectorRegistry(), sinks=["email"], models=["als"])
        self.prometheus = Judge(self._metrics)
        self._starts: dict[str, str] = {}
        self.damaged: set[str] = set()
        self.service = Recommender(self.doom)
        self.acceptor = Acceptor(
            self.store, limits=LIMITS, metrics=self._metrics, clock=lambda: self.now, wake=lambda: None
        )
        self._runs_folder = root / "runs"
        self.restart()

    def restart(self) -> None:
        """Start the bridge anew; whatever the one before had in memory is gone."""
        self._workers = self._bridge()

    def step(self) -> None:
        """Let the bridge do one thing, or be killed over it."""
        self.registry.used_by_bridge = True
        try:
            for worker in self._workers:
                try:
                    worker.step()
                except* OddError:
                    pass  # as a worker's thread does: it tries again
        except Killed:
            self.restart()
        finally:
            self.registry.used_by_bridge = False

    def publish(self, *, manifest: bytes | None = None) -> str:
        """Publish a version, whose manifest may be replaced by whatever."""
        version = self.registry.new_version(self._moment())
        with self.registry.publish(version) as folder:
            good = Manifest(model="als", version=version, trained_at=self._moment(), data_version="test")
            good.write(folder)
        if manifest is not None:
            (self.registry.path(version) / MANIFEST).write_bytes(manifest)
            self.damaged.add(version)
        return version

    def webhook(self, fingerprint: str, starts_at: str, *, status: str = "firing", **labels: str) -> Webhook:
        """What Alertmanager sends about an alert."""
        alert = self._alert(fingerprint=fingerprint, starts_at=starts_at, status=status, labels=labels)
        return self._webhook(alert)

    def break_since(self, fingerprint: str, began: float) -> None:
        """Let an alert that asks for a rollback fire in Prometheus, and be sent."""
        labels = {"alertname": "DriftDetected", "model": "als", "number": fingerprint}
        self.prometheus.alerts.append(FiringAlert(labels, {}, began, 1.0))
        starts_at = self._starts.setdefault(fingerprint, moment(began).isoformat())
        webhook = self.webhook(fingerprint, starts_at, number=fingerprint, action="rollback")
        self.acceptor.rollback(webhook)

    def drift(self) -> None:
        """Let an alert that asks for a retraining fire in Prometheus alone."""
        labels = {"alertname": "DriftDetected", "model": "als", "action": "retrain"}
        self.prometheus.alerts.append(FiringAlert(labels, {}, self.now, 1.0))

    def close(self) -> None:
        """Remove everything."""
        self.store.close()
        self._folder.cleanup()

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)

    def _bridge(self) -> list[Worker]:
        plan = ModelPlan(
            name="als",
            launcher=self.trainers,
            registry=self.registry,
            rules={"ndcg@10": Rule("ratio", 0.95)},
            min_samples=100,
            timeout=TIMEOUT,
            approval=APPROVAL,
            watch=WatchPlan(WATCH, max_errors=0.05, min_requests=50, query="share"),
            reloader=self.service,
            reload_backoff=0.0,
        )
        books = Bookkeeper(
            self.store,
            folder=self._runs_folder,
            sinks=["email"],
            metrics=self._metrics,
            clock=lambda: self.now,
            wake_sinks=lambda: None,
        )
        driver = RollbackDriver(plan, books, self.prometheus)
        watcher = Watcher(plan, books, self.prometheus)
        frame = Frame(
            self.store,
            read_schedule(config.WeeklyLook()),
            ["email"],
            self._metrics,
            lambda: self.now,
            wake_sinks=lambda: None,
        )
        look = WeeklyLook(frame, self.prometheus, limits=LIMITS, wake_models=lambda: None)
        return [look, RetrainWorker(plan, books, before=[driver], after=[watcher])]


@pytest.fixture
def new_world(alert: Callable[..., Any], webhook: Callable[..., Webhook]) -> Callable[[], World]:
    """Makes a world."""
    return lambda: World(alert, webhook)
