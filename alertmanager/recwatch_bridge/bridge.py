"""Putting the bridge together: configuration and parts in, workers and an application out."""

import logging
import random
from collections.abc import Collection, Mapping, Sequence

from prometheus_client import CollectorRegistry

from recwatch.report import prometheus as report
from recwatch_bridge import config
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.accepting.watchdog import WatchdogWorker
from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering import outbox
from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.messages import pictures
from recwatch_bridge.messages.attached import KeptAttachments
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.metrics import BridgeMetrics, deliverer
from recwatch_bridge.parts import Parts
from recwatch_bridge.prometheus import Prometheus
from recwatch_bridge.reporting.reporter import Reporter
from recwatch_bridge.retraining import trigger
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.leftovers import end_leftovers
from recwatch_bridge.retraining.plan import ModelPlan
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.retrain import RetrainWorker
from recwatch_bridge.retraining.rollback import RollbackDriver
from recwatch_bridge.retraining.schedule import Schedule, read_report_schedule, read_schedule
from recwatch_bridge.retraining.watch import Watcher
from recwatch_bridge.retraining.weekly_look import WeeklyLook
from recwatch_bridge.scheduled import Frame
from recwatch_bridge.storage.retention import RetentionWorker
from recwatch_bridge.storage.store import Store
from recwatch_bridge.web.app import create_app
from recwatch_bridge.web.service import Service
from recwatch_bridge.worker import Worker

_STOP_TIMEOUT = 5.0
_CLOCKS_AGREE = 1.0
"""Seconds by which clocks may differ."""

log = logging.getLogger(__name__)


class Bridge:
    """The whole bridge: workers and the application that starts and stops them.

    Args:
        settings: the configuration.
        parts: from `read_parts`.
        registry: for the metrics.
        clock: gives now.

    Raises:
        StoreError: when the database cannot be opened, or another bridge has its file.
    """

    def __init__(
        self, settings: BridgeConfig, parts: Parts, registry: CollectorRegistry, *, clock: Clock = wall
    ) -> None:
        self.store = Store(settings.store, parts.store_password)
        self.store.claim()
        self._settings = settings
        self._parts = parts
        self._clock = clock
        self._sinks = [plan.name for plan in parts.sinks]
        self._limits = {
            name: Limits(model.cooldown.total_seconds(), model.max_per_day)
            for name, model in settings.models.items()
        }
        self.metrics = BridgeMetrics(registry, sinks=self._sinks, models=list(settings.models))
        self.metrics.watch_outbox(self._sinks, self._backlog)
        self._prometheus = self._ask_prometheus()
        self._books = Bookkeeper(
            self.store,
            folder=settings.runs_folder,
            sinks=self._sinks,
            metrics=self.metrics,
            clock=clock,
            wake_sinks=self._wake_deliverers,
            external_url=settings.external_url,
        )
        self.deliverers = self._make_deliverers()
        self.retrainers = [self._make_retrainer(plan) for plan in parts.plans]
        self.keepers = self._make_keepers()
        self.app = create_app(self._service(), registry)

    def start(self) -> None:
        """Start the workers; they begin with what an earlier process left behind."""
        self._report_stranded()
        self._compare_clocks()
        end_leftovers(self._books, self._settings.models)
        trigger.hurry(self.store, self._limits, self._clock())
        for worker in self._workers():
            worker.start()

    def stop(self) -> None:
        """Stop the workers; what they have not finished stays in the store."""
        for worker in self._workers():
            worker.stop()
        for worker in self._workers():
            worker.join(_STOP_TIMEOUT)
            if worker.is_alive():
                log.warning("%s: still at work, left behind", worker.name)
        self.store.close()

    def _report_stranded(self) -> None:
        for sink, left in self._backlog().items():
            if sink not in self._sinks:
                log.warning(
                    "%s: %d messages wait and %d were given up, but no such sink is configured: "
                    "they are sent when it is again",
                    sink,
                    left.pending,
                    left.dead,
                )

    def _compare_clocks(self) -> None:
        server = self.store.server_time()
        if server is not None and abs(ahead := self._clock() - server) > _CLOCKS_AGREE:
            log.warning(
                "this machine's clock is %.1f s ahead of the database's: bridges that share a database keep "
                "Slack's pace, and their waits, only if their clocks agree to a second (NTP)",
                ahead,
            )

    def _ask_prometheus(self, timeout: float = 5.0) -> Prometheus | None:
        if self._settings.prometheus_url is None:
            return None
        return Prometheus(
            self._settings.prometheus_url,
            token=self._parts.prometheus_token,
            metrics=self.metrics,
            timeout=timeout,
        )

    def _make_deliverers(self) -> list[DeliveryWorker]:
        asked = self._ask_prometheus(pictures.TIMEOUT)
        drawn = None
        if asked is not None:
            drawn = pictures.Pictures(asked, self.store, metrics=self.metrics, clock=self._clock)
        return [
            DeliveryWorker(
                plan.make(
                    Renderer(
                        templates_dir=self._settings.templates_dir,
                        external_url=self._settings.external_url,
                        pictures=drawn if plan.pictures else None,
                        attachments=KeptAttachments(self.store),
                        metrics=self.metrics,
                    )
                ),
                self.store,
                backoff=plan.backoff,
                metrics=self.metrics,
                clock=self._clock,
                chance=random.Random(),  # noqa: S311 - spreads retries, keeps no secret
            )
            for plan in self._parts.sinks
        ]

    def _make_retrainer(self, plan: ModelPlan) -> RetrainWorker:
        return RetrainWorker(
            plan,
            self._books,
            before=[RollbackDriver(plan, self._books, self._prometheus)],
            after=[Watcher(plan, self._books, self._prometheus)],
        )

    def _make_keepers(self) -> list[Worker]:
        """What works by the clock: retention, the Watchdog, the weekly look, the report."""
        settings = self._settings
        keepers: list[Worker] = [
            RetentionWorker(
                self.store,
                folder=settings.runs_folder,
                keep=settings.retention.total_seconds(),
                metrics=self.metrics,
                clock=self._clock,
            )
        ]
        watchdog = settings.watchdog or config.Watchdog()
        if watchdog.enabled:
            keepers.append(
                WatchdogWorker(
                    self.store,
                    sinks=self._sinks,
                    timeout=watchdog.timeout.total_seconds(),
                    armed=settings.watchdog is not None,
                    metrics=self.metrics,
                    clock=self._clock,
                    wake_sinks=self._wake_deliverers,
                )
            )
        look = settings.weekly_look
        if look.enabled and self._prometheus is not None and self._limits:
            keepers.append(
                WeeklyLook(
                    self._frame(read_schedule(look)),
                    self._prometheus,
                    limits=self._limits,
                    wake_models=self._wake_retrainers,
                )
            )
        if settings.report.enabled and settings.prometheus_url is not None:
            keepers.append(
                Reporter(
                    self._frame(read_report_schedule(settings.report)),
                    report.Prometheus(settings.prometheus_url, token=self._parts.prometheus_token),
                    period=settings.report.period,
                    sinks=settings.report.sinks,
                )
            )
        return keepers

    def _frame(self, schedule: Schedule) -> Frame:
        return Frame(
            self.store, schedule, self._sinks, self.metrics, self._clock, wake_sinks=self._wake_deliverers
        )

    def _service(self) -> Service:
        settings = self._settings
        remind_after = {
            "email": settings.sinks.email and settings.sinks.email.remind_after,
            "slack": settings.sinks.slack and settings.sinks.slack.remind_after,
        }
        acceptor = Acceptor(
            self.store,
            limits=self._limits,
            metrics=self.metrics,
            clock=self._clock,
            wake=self._wake_everybody,
            wake_sink=self._wake_deliverer,
            remind_after={sink: after.total_seconds() for sink, after in remind_after.items() if after},
        )
        return Service(
            acceptor=acceptor,
            store=self.store,
            books=self._books,
            doorkeeper=self._parts.doorkeeper,
            metrics=self.metrics,
            sinks=self._sinks,
            runs_folder=settings.runs_folder,
            max_body_bytes=settings.max_body_bytes,
            ailing=self._ailing,
            start=self.start,
            stop=self.stop,
            registries={plan.name: plan.registry for plan in self._parts.plans},
            limits=self._limits,
            external_url=settings.external_url,
            clock=self._clock,
            wake=self._wake_everybody,
        )

    def _ailing(self) -> Collection[str]:
        return [worker.name for worker in self._workers() if not worker.is_alive()]

    def _workers(self) -> Sequence[Worker]:
        return [*self.retrainers, *self.deliverers, *self.keepers]

    def _wake_deliverer(self, sink: str) -> None:
        _wake([worker for worker in self.deliverers if worker.name == deliverer(sink)])

    def _wake_deliverers(self) -> None:
        _wake(self.deliverers)

    def _wake_retrainers(self) -> None:
        _wake(self.retrainers)

    def _wake_everybody(self) -> None:
        _wake([*self.retrainers, *self.deliverers])

    def _backlog(self) -> Mapping[str, outbox.Backlog]:
        with self.store.read() as connection:
            return outbox.backlog(connection, self._sinks)


def _wake(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.wake()
