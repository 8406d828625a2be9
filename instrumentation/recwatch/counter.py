"""A counter for a request's path: what prometheus_client's does at half of its cost.

prometheus_client's makes four calls for each increment, this one makes one. It keeps its count in this
process: where several share a folder (`PROMETHEUS_MULTIPROC_DIR`), only prometheus_client's own reaches it.
"""

import threading
from collections.abc import Iterable, Sequence

import prometheus_client
from prometheus_client import CollectorRegistry, Metric

from recwatch.labelled import Labelled

__all__ = ["Count", "Counter"]


class Count:
    """The count with one set of label values."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """Count on.

        Raises:
            ValueError: the amount is negative: a counter never falls.
        """
        if amount < 0:
            raise ValueError(f"a counter cannot be incremented by {amount}")
        with self._lock:
            self._value += amount

    def read(self) -> float:
        """The count as it is now."""
        return self._value


class Counter(Labelled[Count]):
    """Counts events; to be used like prometheus_client's.

    Args:
        name: the metric's name; `_total` may be left out.
        documentation: its meaning.
        labelnames: of its series.
        registry: where it is registered; None: nowhere.

    Raises:
        ValueError: the registry has a metric of this name.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        registry: CollectorRegistry | None = prometheus_client.REGISTRY,
    ) -> None:
        stem = name.removesuffix("_total")
        super().__init__("counter", stem, documentation, labelnames, registry=registry)

    def _make_series(self, values: tuple[str, ...]) -> Count:  # noqa: ARG002 - one process needs no key
        return Count()

    def inc(self, amount: float = 1.0) -> None:
        """Count on, where the metric has no labels."""
        self.labels().inc(amount)

    def collect(self) -> Iterable[Metric]:
        """All series as they are now."""
        family = self._family()
        for labels, count in self._every():
            family.add_sample(f"{self._name}_total", labels, count.read())
        return [family]
