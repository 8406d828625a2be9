"""A histogram for a request's path: what prometheus_client's does at half of its cost, and many at once.

prometheus_client's takes two locks for each observation and walks its buckets one by one. Here one lock
covers all and the bucket is found by bisection. It keeps its counts in this process; `recwatch.shared` has
the one for several that share a folder (`PROMETHEUS_MULTIPROC_DIR`).
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from time import time

import prometheus_client
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from recwatch.labelled import Labelled

__all__ = ["Histogram", "Series", "exemplar_of", "observe_all"]

# OpenMetrics: name and value of an exemplar's labels have 128 characters together.
_LONGEST_ID = 128 - len("request_id")


def exemplar_of(request_id: str) -> dict[str, str] | None:
    """The exemplar that names a request; None where its id is too long for one."""
    text = str(request_id)
    return {"request_id": text} if len(text) <= _LONGEST_ID else None


def observe_all(series: "Series | prometheus_client.Histogram", amounts: Iterable[float]) -> None:
    """Count several observations at once where the series can, one by one where it cannot.

    Args:
        series: of this module's histogram or of prometheus_client's.
        amounts: finite numbers.
    """
    if isinstance(series, Series):
        series.observe_many(amounts)
    else:
        for amount in amounts:
            series.observe(amount)


class Histogram(Labelled["Series"]):
    """Counts observations by bucket; to be used like prometheus_client's.

    Args:
        name: the metric's name.
        documentation: its meaning.
        labelnames: of its series.
        registry: where it is registered; None: nowhere.
        buckets: upper bounds, ascending; infinity is added. As with prometheus_client, there is no `_sum`
            where the first bound is negative: a sum that can fall is no counter.

    Raises:
        ValueError: the registry has a metric of this name, or the bounds do not ascend.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        registry: CollectorRegistry | None = prometheus_client.REGISTRY,
        buckets: Sequence[float] = prometheus_client.Histogram.DEFAULT_BUCKETS,
    ) -> None:
        self._bounds = bounds = tuple(float(bound) for bound in buckets if bound != inf)
        if not bounds or list(bounds) != sorted(set(bounds)):
            raise ValueError(f"buckets of {name}: give upper bounds in ascending order")
        self._names = (*map(floatToGoString, bounds), "+Inf")
        super().__init__("histogram", name, documentation, labelnames, registry=registry)

    def _make_series(self, values: tuple[str, ...]) -> "Series":  # noqa: ARG002 - one process needs no key
        return Series(self._bounds)

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count an observation, where the metric has no labels."""
        self.labels().observe(amount, exemplar)

    def collect(self) -> Iterable[Metric]:
        """All series as they are now."""
        family = self._family()
        for labels, series in self._every():
            counts, total, exemplars = series.read()
            below = 0
            for at, (bound, count) in enumerate(zip(self._names, counts, strict=True)):
                below += count
                family.add_sample(
                    f"{self._name}_bucket", {**labels, "le": bound}, below, exemplar=exemplars.get(at)
                )
            family.add_sample(f"{self._name}_count", labels, below)
            if self._bounds[0] >= 0:
                family.add_sample(f"{self._name}_sum", labels, total)
        return [family]


class Series:
    """The observations with one set of label values.

    Args:
        bounds: upper bounds of the buckets, ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._lock = threading.Lock()
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._exemplars: dict[int, Exemplar] = {}

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count an observation.

        Args:
            amount: such as a time in seconds.
            exemplar: labels, 128 characters in all, that name an example; the bucket shows its last one.
        """
        at = bisect_left(self._bounds, amount)
        with self._lock:
            self._counts[at] += 1
            self._sum += amount
        if exemplar is not None:
            self._exemplars[at] = Exemplar(dict(exemplar), amount, time())

    def observe_many(self, amounts: Iterable[float]) -> None:
        """Count several observations, finite numbers, under one lock."""
        found = [(bisect_left(self._bounds, amount), amount) for amount in amounts]
        counts = self._counts
        with self._lock:
            for at, amount in found:
                counts[at] += 1
                self._sum += amount

    def read(self) -> tuple[list[int], float, dict[int, Exemplar]]:
        """Observations by bucket, each counted once, the last one beyond all bounds; their sum; exemplars."""
        with self._lock:
            return self._counts.copy(), self._sum, self._exemplars.copy()
