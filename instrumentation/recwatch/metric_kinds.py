"""Which class a metric is built of: the one table for one process and for several.

prometheus_client's `Counter`, `Gauge` and `Histogram` say what is asked for. In one process they are its own,
but for the histogram, which has a quick kind; what counts requests counts them in batches. Where several
processes share a folder, counts are kept in files, and the state of the folder is no error.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import prometheus_client

from recwatch import histogram, shared
from recwatch.guarded import Guarded
from recwatch.multiprocess import folder
from recwatch.pending import Fed

__all__ = ["kind_of"]

Declared = TypeVar("Declared")


class _Counter(Fed, prometheus_client.Counter):
    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        # prometheus_client refuses what is below 0, and takes NaN, after which a counter is NaN for good.
        if not amount >= 0:
            raise ValueError(f"a counter cannot be incremented by {amount}")
        super().inc(amount, exemplar)


class _Histogram(Fed, histogram.Histogram):
    pass


class _GuardedCounter(Guarded, shared.Counter):
    pass


class _GuardedGauge(Guarded, prometheus_client.Gauge):
    pass


class _GuardedHistogram(Guarded, shared.Histogram):
    pass


_ALONE: dict[object, Any] = {prometheus_client.Counter: _Counter, prometheus_client.Histogram: _Histogram}
_SEVERAL: dict[object, Any] = {
    prometheus_client.Counter: _GuardedCounter,
    prometheus_client.Gauge: _GuardedGauge,
    prometheus_client.Histogram: _GuardedHistogram,
}


def kind_of(build: Callable[..., Declared]) -> Callable[..., Declared]:
    """What is to be built where prometheus_client's class is asked for; any other class itself."""
    found: Callable[..., Declared] = (_ALONE if folder() is None else _SEVERAL).get(build, build)
    return found
