"""Putting the bridge together: configuration and secrets in, workers and an application out."""

import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from recwatch.registry import ModelRegistry
from recwatch_bridge import config, outbox
from recwatch_bridge.accept import Acceptor
from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivery import Backoff, DeliveryWorker
from recwatch_bridge.gate import rule
from recwatch_bridge.http import Service, create_app
from recwatch_bridge.launchers.command import CommandLauncher
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.policy import Limits
from recwatch_bridge.reload import Reloader
from recwatch_bridge.retention import RetentionWorker
from recwatch_bridge.retrain import ModelPlan, RetrainWorker
from recwatch_bridge.secret import Doorkeeper, Token, read_secret, read_webhook_url
from recwatch_bridge.sinks.base import Sink
from recwatch_bridge.sinks.email import EmailSink, Server
from recwatch_bridge.sinks.slack import SlackSink
from recwatch_bridge.store import Store
from recwatch_bridge.worker import Worker

_STOP_TIMEOUT = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the configuration describes, with its secrets read; nothing runs yet."""

    doorkeeper: Doorkeeper
    sinks: tuple[tuple[Sink, Backoff], ...]
    plans: tuple[ModelPlan, ...]


def read_parts(settings: BridgeConfig, environment: Mapping[str, str]) -> Parts:
    """Build what the configuration describes.

    Args:
        settings: the configuration.
        environment: what trainers inherit.

    Raises:
        ConfigError: when a secret is missing or cannot be used.
    """
    tokens = [
        Token(read_secret(token.file, f"tokens.{number}.file"), frozenset(token.scopes))
        for number, token in enumerate(settings.tokens)
    ]
    sinks: list[tuple[Sink, Backoff]] = []
    if settings.sinks.email is not None:
        sinks.append((_email(settings.sinks.email), _backoff(settings.sinks.email.retry)))
    if settings.sinks.slack is not None:
        sinks.append((_slack(settings.sinks.slack), _backoff(settings.sinks.slack.retry)))
    plans = tuple(_plan(name, model, environment) for name, model in settings.models.items())
    return Parts(Doorkeeper(tokens), tuple(sinks), plans)


class Bridge:
    """The whole bridge: workers and the application that starts and stops them.

    Args:
        settings: the configuration.
        parts: from `read_parts`.
        registry: for the metrics.
        clock: gives now.

    Raises:
        StoreError: when the database cannot be opened.
    """

    def __init__(
        self,
        settings: BridgeConfig,
        parts: Parts,
        registry: CollectorRegistry,
        *,
        clock: Clock = wall,
    ) -> None:
        self.store = Store(settings.store)
        sinks = [sink.name for sink, _ in parts.sinks]
        self.metrics = BridgeMetrics(registry, sinks=sinks, models=list(settings.models))
        self.metrics.watch_outbox(sinks, self._backlog_of(sinks))
        self.deliverers = [
            DeliveryWorker(
                sink,
                self.store,
                backoff=backoff,
                metrics=self.metrics,
                clock=clock,
                chance=random.Random(),  # noqa: S311 - spreads retries, keeps no secret
            )
            for sink, backoff in parts.sinks
        ]
        self.retrainers = [
            RetrainWorker(
                plan,
                self.store,
                folder=settings.runs_folder,
                sinks=sinks,
                metrics=self.metrics,
                clock=clock,
                wake_sinks=self._wake_deliverers,
            )
            for plan in parts.plans
        ]
        self.keeper = RetentionWorker(
            self.store,
            folder=settings.runs_folder,
            keep=settings.retention.total_seconds(),
            metrics=self.metrics,
            clock=clock,
        )
        limits = {
            name: Limits(model.cooldown.total_seconds(), model.max_per_day)
            for name, model in settings.models.items()
        }
        acceptor = Acceptor(
            self.store, limits=limits, metrics=self.metrics, clock=clock, wake=self._wake_everybody
        )
        service = Service(
            acceptor=acceptor,
            store=self.store,
            doorkeeper=parts.doorkeeper,
            metrics=self.metrics,
            sinks=sinks,
            runs_folder=settings.runs_folder,
            max_body_bytes=settings.max_body_bytes,
            ailing=self._ailing,
            start=self.start,
            stop=self.stop,
        )
        self.app = create_app(service, registry)

    def start(self) -> None:
        """Start the workers; they begin with what an earlier process left behind."""
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

    def _ailing(self) -> Collection[str]:
        return [worker.name for worker in self._workers() if not worker.is_alive()]

    def _workers(self) -> Sequence[Worker]:
        return [*self.retrainers, *self.deliverers, self.keeper]

    def _wake_deliverers(self) -> None:
        for worker in self.deliverers:
            worker.wake()

    def _wake_everybody(self) -> None:
        self._wake_deliverers()
        for worker in self.retrainers:
            worker.wake()

    def _backlog_of(self, sinks: Collection[str]) -> Callable[[], Mapping[str, outbox.Backlog]]:
        def read() -> Mapping[str, outbox.Backlog]:
            with self.store.read() as connection:
                return outbox.backlog(connection, sinks)

        return read


def _email(settings: config.Email) -> EmailSink:
    password = None
    if settings.password_file is not None:
        password = read_secret(settings.password_file, "sinks.email.password_file")
    server = Server(
        host=settings.host,
        port=settings.port,
        tls=settings.tls,
        timeout=settings.timeout.total_seconds(),
        user=settings.user,
        password=password,
    )
    return EmailSink(server, sender=settings.sender, to=settings.to)


def _slack(settings: config.Slack) -> SlackSink:
    return SlackSink(
        read_webhook_url(settings.webhook_url_file, "sinks.slack.webhook_url_file"),
        min_interval=settings.min_interval.total_seconds(),
        timeout=settings.timeout.total_seconds(),
    )


def _backoff(retry: config.Retry) -> Backoff:
    return Backoff(
        retry.initial.total_seconds(), retry.max.total_seconds(), retry.give_up_after.total_seconds()
    )


def _plan(name: str, model: config.Model, environment: Mapping[str, str]) -> ModelPlan:
    reloader = None
    if model.reload_url is not None:
        token = None
        if model.reload_token_file is not None:
            token = read_secret(model.reload_token_file, f"models.{name}.reload_token_file")
        reloader = Reloader(model.reload_url, token)
    return ModelPlan(
        name=name,
        launcher=CommandLauncher(model.launcher.argv, cwd=model.launcher.cwd, environment=environment),
        registry=ModelRegistry(Path(model.artifacts)),
        rules={
            metric: rule({"ratio": asked.ratio, "at_most": asked.at_most, "at_least": asked.at_least})
            for metric, asked in model.gate.items()
        },
        min_samples=model.min_samples,
        timeout=model.timeout.total_seconds(),
        reloader=reloader,
    )
