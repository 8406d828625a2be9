"""What the writer of requests does between two batches: sum them up, delete the oldest."""

from collections.abc import Callable
from datetime import datetime
from time import monotonic

from recwatch.errors import StoreError
from recwatch.metrics import DroppedWrites
from recwatch.store.aggregator import Aggregator
from recwatch.store.retention import Retention, prune
from recwatch.store.store import Store

__all__ = ["Upkeep"]

_REASONS = ("locked", "full", "unavailable", "error")
_PRUNE_EVERY_SECONDS = 60.0


class Upkeep:
    """Aggregates and retention, a bounded piece of each at a time; failures are counted, never raised.

    Args:
        aggregates: whether to keep `service_health` and `reranking_metrics`.
        retention: which requests are kept; None keeps all.
        now: the time, aware.
        dropped: where failures are counted, as targets `aggregates` and `retention`.
    """

    def __init__(
        self,
        *,
        aggregates: bool,
        retention: Retention | None,
        now: Callable[[], datetime],
        dropped: DroppedWrites,
    ) -> None:
        self._aggregator = Aggregator() if aggregates else None
        self._retention = retention
        self._now = now
        self._dropped = dropped
        self._prune_at = 0.0
        dropped.expect("aggregates", *_REASONS)
        dropped.expect("retention", *_REASONS)

    def note(self, oldest: datetime) -> None:
        """Requests were written, the oldest of them of this time."""
        if self._aggregator is not None:
            self._aggregator.note(oldest)

    def step(self, store: Store) -> None:
        """Do what is due."""
        if self._aggregator is not None:
            aggregator = self._aggregator
            self._attempt("aggregates", lambda: aggregator.step(store, self._now()))
        if self._retention is not None and monotonic() >= self._prune_at:
            retention = self._retention
            self._prune_at = monotonic() + _PRUNE_EVERY_SECONDS
            self._attempt("retention", lambda: self._prune(store, retention))

    def _prune(self, store: Store, retention: Retention) -> None:
        if prune(store, retention, self._now()):
            self._prune_at = 0.0

    def _attempt(self, target: str, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreError as error:
            self._dropped.drop(target, error.reason, error)
        except Exception as error:  # noqa: BLE001 - the thread that writes requests must live on
            self._dropped.drop(target, "error", error)
