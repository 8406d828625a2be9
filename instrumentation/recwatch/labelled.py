"""What the quick metrics have in common: series by label values, made on first use and kept."""

import threading
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector

__all__ = ["Labelled"]

Series = TypeVar("Series")


class Labelled(Collector, Generic[Series]):
    """A metric whose series are found by label values, to be used like prometheus_client's.

    Args:
        kind: the metric's type, such as `counter`.
        name: its name.
        documentation: its meaning.
        labelnames: of its series.
        registry: where it is registered; None: nowhere.

    Raises:
        ValueError: the registry has a metric of this name.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        documentation: str,
        labelnames: Sequence[str],
        *,
        registry: CollectorRegistry | None,
    ) -> None:
        self._name = name
        self._labelnames = tuple(labelnames)
        self._kind, self._documentation = kind, documentation
        self._series: dict[tuple[str, ...], Series] = {}
        self._lock = threading.Lock()
        if not self._labelnames:
            self.labels()
        if registry is not None:
            registry.register(self)

    def labels(self, *values: object, **named: object) -> Series:
        """The series with these label values; made on first use, at 0.

        Raises:
            ValueError: the values are not one for each label name.
        """
        if named and (values or set(named) != set(self._labelnames)):
            values = ()
        elif named:
            values = tuple(named[name] for name in self._labelnames)
        key = tuple(map(str, values))
        found = self._series.get(key)
        if found is not None:
            return found
        if len(key) != len(self._labelnames):
            raise ValueError(
                f"{self._name} has the labels {', '.join(self._labelnames)}: give a value of each"
            )
        with self._lock:
            return self._series.setdefault(key, self._make_series(key))

    def _make_series(self, values: tuple[str, ...]) -> Series:
        raise NotImplementedError

    def remove(self, *values: object) -> None:
        """The series with these label values is absent from now on."""
        with self._lock:
            self._series.pop(tuple(map(str, values)), None)

    def describe(self) -> Iterable[Metric]:
        """The name, for the registry."""
        return [self._family()]

    def _family(self) -> Metric:
        return Metric(self._name, self._documentation, self._kind)

    def _every(self) -> list[tuple[dict[str, str], Series]]:
        with self._lock:
            every = list(self._series.items())
        return [(dict(zip(self._labelnames, values, strict=True)), series) for values, series in every]
