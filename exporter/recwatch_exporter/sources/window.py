"""Rows of one side of a check, counted and summed up where they lie."""

from collections.abc import Iterator
from datetime import datetime

from recwatch_exporter.data import Cluster, SideCounts
from recwatch_exporter.sources.columns import View
from recwatch_exporter.sources.duck import Pairs, Source


class Window:
    """Some rows of one side; nothing is read until it is asked for."""

    def __init__(self, source: Source, view: View) -> None:
        self.side = view.side
        self._source = source
        self._view = view

    def newest(self, column: str) -> datetime | None:
        """The newest time in a column; None without rows."""
        return self._source.newest(self._view, column)

    def count_values(self, column: str, cluster: Cluster | None, *, numeric: bool) -> SideCounts:
        """How often each value occurs (in each cluster); rows without a value or a cluster are left out."""
        return self._source.count_values(
            self._view, column, None if cluster is None else cluster.column, numeric=numeric
        )

    def count_vectors(self, column: str, key: str) -> int:
        """How many vectors there are."""
        return self._source.count_vectors(self._view, column, key)

    def pairs(self, current: "Window", column: str, key: str) -> Iterator[Pairs]:
        """Vectors of this window, the reference, and of the current one, for the ids that both have."""
        return self._source.pairs(self._view, current._view, column, key)  # noqa: SLF001 - its own kind

    def most_frequent(self, column: str, size: int) -> tuple[str, ...]:
        """The most frequent values of a column, as text, at most so many."""
        raise NotImplementedError

    def segment(self, column: str, value: str) -> "Window":
        """The rows of which that column, as text, is that value."""
        raise NotImplementedError
