"""Counters and histograms that several processes keep in one folder, at a third of prometheus_client's cost.

prometheus_client asks the system for the process's id and takes a lock for each number that it writes. Here a
fork is noticed when it happens, and an observation takes one lock. The files, `counter_<pid>.quick.db` and
`histogram_<pid>.quick.db`, are of prometheus_client's format: its own of the same process stand beside them,
and `recwatch.multiprocess` reads them all. prometheus_client's own collector reads those of living processes;
it knows nothing of the archive of those that have ended.
"""

import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.samples import Exemplar

from recwatch import histogram
from recwatch.labelled import Labelled
from recwatch.multiprocess import folder

__all__ = ["Count", "Counter", "Histogram", "Series"]


class _Process:
    """The files of this process; a child that is forked off begins with none."""

    def __init__(self) -> None:
        self.generation = 0
        self.lock = threading.Lock()
        self._files: dict[str, MmapedDict] = {}
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self.generation += 1
        self.lock = threading.Lock()
        self._files = {}

    def file(self, kind: str) -> MmapedDict:
        """The file of a kind, opened on first use. To be asked for with the lock held.

        Raises:
            OSError: when it cannot be opened.
        """
        path = str((folder() or Path()) / f"{kind}_{os.getpid()}.quick.db")
        if path not in self._files:
            self._files[path] = MmapedDict(path)  # type: ignore[no-untyped-call]
        return self._files[path]


@cache
def _process() -> _Process:
    return _Process()


class Count:
    """The count of this process with one set of label values."""

    __slots__ = ("_file", "_generation", "_key", "_process", "_value")

    def __init__(self, key: str) -> None:
        self._key = key
        self._process = _process()
        with self._process.lock:
            self._open()

    def _open(self) -> None:
        self._file = self._process.file("counter")
        self._generation = self._process.generation
        # Not 0 where an earlier process had the same id: its counts go on.
        self._value: float = self._file.read_value(self._key)[0]  # type: ignore[no-untyped-call]

    def inc(self, amount: float = 1.0) -> None:
        """Count on.

        Raises:
            ValueError: the amount is negative: a counter never falls.
            OSError: in a process that was forked off and cannot open its file.
        """
        if not amount >= 0:  # NaN too
            raise ValueError(f"a counter cannot be incremented by {amount}")
        process = self._process
        with process.lock:
            if self._generation != process.generation:
                self._open()
            self._value += amount
            self._file.write_value(self._key, self._value, 0.0)  # type: ignore[no-untyped-call]

    def read(self) -> float:
        """The count as it is now."""
        return self._value


class Series(histogram.Series):
    """The observations of this process with one set of label values; there are no exemplars.

    Args:
        bounds: upper bounds of the buckets, ascending.
        buckets: their keys in the file, and that of what lies beyond all bounds.
        total: the sum's key; None where there is no sum.
    """

    def __init__(self, bounds: Sequence[float], buckets: Sequence[str], total: str | None) -> None:
        super().__init__(bounds)
        self._keys = buckets
        self._sum_key = total
        self._process = _process()
        with self._process.lock:
            self._open()

    def _open(self) -> None:
        self._file = file = self._process.file("histogram")
        self._generation = self._process.generation
        if self._sum_key is not None:
            self._sum = file.read_value(self._sum_key)[0]  # type: ignore[no-untyped-call]
        self._counts = [int(file.read_value(key)[0]) for key in self._keys]  # type: ignore[no-untyped-call]

    def observe(self, amount: float, exemplar: Mapping[str, str] | None = None) -> None:  # noqa: ARG002
        """Count an observation.

        Raises:
            OSError: in a process that was forked off and cannot open its file.
        """
        at = bisect_left(self._bounds, amount)
        process = self._process
        with process.lock:
            if self._generation != process.generation:
                self._open()
            self._counts[at] += 1
            write = self._file.write_value
            if self._sum_key is not None:
                self._sum += amount
                write(self._sum_key, self._sum, 0.0)  # type: ignore[no-untyped-call]
            write(self._keys[at], self._counts[at], 0.0)  # type: ignore[no-untyped-call]

    def observe_many(self, amounts: Iterable[float]) -> None:
        """Count several observations, finite numbers."""
        for amount in amounts:
            self.observe(amount)

    def read(self) -> tuple[list[int], float, dict[int, Exemplar]]:
        """Observations by bucket, each counted once, the last one beyond all bounds; their sum."""
        with self._process.lock:
            return self._counts.copy(), self._sum, {}


class Counter(Labelled[Count]):
    """Counts events; prometheus_client's `Counter` for several processes.

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
        registry: CollectorRegistry | None = REGISTRY,
    ) -> None:
        stem = name.removesuffix("_total")
        super().__init__("counter", stem, documentation, labelnames, registry=registry)

    def _make_series(self, values: tuple[str, ...]) -> Count:
        return Count(_key(self, f"{self._name}_total", self._labelnames, values))

    def inc(self, amount: float = 1.0) -> None:
        """Count on, where the metric has no labels."""
        self.labels().inc(amount)

    def collect(self) -> Iterable[Metric]:
        """All series of this process as they are now."""
        family = self._family()
        for labels, count in self._every():
            family.add_sample(f"{self._name}_total", labels, count.read())
        return [family]


class Histogram(histogram.Histogram):
    """Counts observations by bucket; `recwatch.histogram.Histogram` for several processes."""

    def _make_series(self, values: tuple[str, ...]) -> Series:
        names = (*self._labelnames, "le")
        buckets = [_key(self, f"{self._name}_bucket", names, (*values, bound)) for bound in self._names]
        # Amounts that can be negative have a sum that can fall: no sum, as where one process counts.
        total = _key(self, f"{self._name}_sum", self._labelnames, values) if self._bounds[0] >= 0 else None
        return Series(self._bounds, buckets, total)


def _key(
    metric: Counter | histogram.Histogram, sample: str, names: Sequence[str], values: Sequence[str]
) -> str:
    return mmap_key(metric._name, sample, list(names), list(values), metric._documentation)  # noqa: SLF001
