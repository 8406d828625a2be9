"""What the HTTP side needs of the bridge."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recwatch.registry import ModelRegistry
from recwatch_bridge.accepting.accept import Acceptor
from recwatch_bridge.clock import Clock, wall
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.retraining.bookkeeper import Bookkeeper
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.secret import Doorkeeper
from recwatch_bridge.storage.store import Store


@dataclass(frozen=True)
class Service:
    """What the HTTP side needs of the bridge.

    Attributes:
        acceptor: takes webhooks.
        store: the database.
        books: where the outcomes of runs are stored and told.
        doorkeeper: knows the tokens.
        metrics: where it counts.
        sinks: names of the sinks that exist.
        runs_folder: where runs keep their logs.
        max_body_bytes: of a webhook.
        ailing: returns the names of workers that do not work.
        start: called when the server starts.
        stop: called when the server has stopped serving.
        registries: by model, its versions.
        limits: by model, how often it may be retrained.
        external_url: where people reach the page; decides whether the cookie travels by https alone.
        clock: gives now.
        wake: called after a change that leaves work to do.
    """

    acceptor: Acceptor
    store: Store
    books: Bookkeeper
    doorkeeper: Doorkeeper
    metrics: BridgeMetrics
    sinks: Collection[str]
    runs_folder: Path
    max_body_bytes: int
    ailing: Callable[[], Collection[str]]
    start: Callable[[], None]
    stop: Callable[[], None]
    registries: Mapping[str, ModelRegistry] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    external_url: str | None = None
    clock: Clock = wall
    wake: Callable[[], None] = lambda: None
