"""Rows of one side of a check, counted and summed up where they lie."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import Cluster, Facts, Moments, Pairs, Rows, SideCounts, Slots
from recwatch_exporter.sources import counting, distances, expressions, facts, numbers, times, vectors
from recwatch_exporter.sources.duck import DuckEngine
from recwatch_exporter.sources.kinds import Kind, kind_of
from recwatch_exporter.sources.rows import StreamedRows
from recwatch_exporter.sources.spans import EVERYTHING, Span
from recwatch_exporter.sources.view import View


class Window:
    """Some rows of one side; nothing is read until it is asked for.

    Every method raises `SourceError`, which names the side, when a column is not there or of the wrong type
    or the engine fails, and `CheckTimeoutError` when the time is over. What is missing, NaN or infinite is no
    value.

    Args:
        side: `reference` or `current`, for messages.
        view: the rows; None where there are none, and so no columns either.
        local: DuckDB, which joins what lies in different places.
        whole: the rows of any time; by default `view`.
        span: the stretch of event time that the window takes; open where it has no end there.
        slots: by which counts and rows of clusters are told apart; None: not at all.
    """

    def __init__(
        self,
        side: str,
        view: View | None,
        local: DuckEngine,
        *,
        whole: View | None = None,
        span: Span = EVERYTHING,
        slots: Slots | None = None,
    ) -> None:
        self.side = side
        self.span = span
        self.slots = slots
        self.columns: Mapping[str, Kind] = (
            {} if view is None else {name: kind_of(kind) for name, kind in view.table.schema().items()}
        )
        self._view = view
        self._whole = whole or view
        self._local = local

    def narrow(
        self,
        *,
        equal: Mapping[str, bool | int | float | str] | None = None,
        timestamp: str | None = None,
        span: Span = EVERYTHING,
    ) -> "Window":
        """The rows that have these values, and whose time lies in the span, which `newest` passes over."""
        view = self._view
        if view is None:
            return Window(self.side, None, self._local, span=span)
        with view.errors():
            whole = view.where(
                *(expressions.equals(view.column(name), value) for name, value in (equal or {}).items())
            )
            if timestamp is None:
                return Window(self.side, whole, self._local)
            spanned = whole.where(*times.within(whole.column(timestamp), span, view.engine.name))
            return Window(self.side, spanned, self._local, whole=whole, span=span)

    def cut(self, slots: Slots | None) -> "Window":
        """The same rows, those of a cluster told apart by slots of time; blocks of time are never cut."""
        return Window(self.side, self._view, self._local, whole=self._whole, span=self.span, slots=slots)

    def _cut(self, cluster: Cluster | None) -> Cluster | None:
        if cluster is None or cluster.block is not None:
            return cluster
        return replace(cluster, slots=self.slots)

    def rows(self) -> int:
        """How many rows there are."""
        return 0 if self._view is None else self._view.count()

    def newest(self, column: str) -> datetime | None:
        """The newest time in a column, within the filter and whatever the span; None without rows."""
        return self._extreme(column, times.newest)

    def oldest(self, column: str) -> datetime | None:
        """The oldest time in a column, within the filter and whatever the span; None without rows."""
        return self._extreme(column, times.oldest)

    def _extreme(self, column: str, which: Callable[[ir.Value, str], ir.Value]) -> datetime | None:
        view = self._whole
        if view is None:
            return None
        with view.errors():
            extreme = which(view.column(column), view.engine.name)
            found = view.fetch(view.table.aggregate(extreme=extreme)).column("extreme")
        moment: datetime | None = found.cast(pa.timestamp("us", tz="UTC"), safe=False)[0].as_py()
        return None if moment is None else moment.astimezone(UTC)

    def count_values(
        self, column: str, cluster: Cluster | None, *, numeric: bool, limit: int | None = None
    ) -> SideCounts | None:
        """How often each value occurs (in each cluster); rows without a value or a cluster are left out.

        Args:
            column: whose values.
            cluster: counts are by it.
            numeric: refuse anything but numbers; else what is no number is counted as text.
            limit: give up beyond so many distinct values.

        Returns:
            None where there are more than `limit` values.
        """
        if self._view is None:
            return counting.no_counts(self._cut(cluster))
        with self._view.errors():
            return counting.count_values(self._view, column, self._cut(cluster), numeric=numeric, limit=limit)

    def count_cells(self, column: str, edges: FloatArray, cluster: Cluster | None) -> SideCounts:
        """How many finite values lie between which edges (in each cluster).

        Args:
            column: numbers.
            edges: ascending.
            cluster: counts are by it; rows without one are left out.

        Returns:
            Values are cell numbers: how many edges are at or below, 0 to len(edges).
        """
        if self._view is None:
            return counting.no_counts(self._cut(cluster))
        with self._view.errors():
            return counting.count_cells(self._view, column, edges, self._cut(cluster))

    def count_missing(self, column: str, cluster: Cluster | None) -> SideCounts:
        """How many rows (of each cluster) have a value: 0 where there is one, 1 null, 2 NaN, Inf or -Inf.

        Args:
            column: of any kind.
            cluster: counts are by it; rows without one are left out.
        """
        if self._view is None:
            return counting.no_counts(self._cut(cluster))
        with self._view.errors():
            return counting.count_missing(self._view, column, self._cut(cluster))

    def count_ages(self, column: str, *, end: datetime, period: timedelta) -> SideCounts:
        """How many rows there are in each stretch of time, counted back from `end`.

        Args:
            column: of the event's time; rows without one are left out.
            end: aware.
            period: how long a stretch is, more than 0.

        Returns:
            Values are how many whole periods before `end` the time is: 0 for the newest, negative after it.
        """
        if self._view is None:
            return counting.no_counts(None)
        with self._view.errors():
            return counting.count_ages(self._view, column, end, period)

    def quantiles(self, column: str, probabilities: FloatArray) -> FloatArray:
        """The smallest finite values x with F(x) >= p, F being the empirical distribution function.

        Returns:
            (probabilities,) NaN where there are no values.
        """
        if self._view is None:
            return np.full(len(probabilities), np.nan)
        with self._view.errors():
            return counting.quantiles(self._view, column, probabilities)

    def moments(self, column: str) -> Moments:
        """Rows, mean and standard deviation of the finite values; NaN without any."""
        if self._view is None:
            return Moments(0, np.nan, np.nan)
        with self._view.errors():
            return counting.moments(self._view, column)

    def most_frequent(self, column: str, size: int) -> tuple[str, ...]:
        """The most frequent values of a column, as text, at most so many; among equals the first."""
        if self._view is None:
            return ()
        with self._view.errors():
            return counting.most_frequent(self._view, column, size)

    def segment(self, column: str, value: str) -> "Window":
        """The rows of which that column, as text, is that value."""
        if self._view is None:
            return self
        with self._view.errors():
            rows = self._view.where(expressions.is_text(self._view.column(column), value))
            return Window(self.side, rows, self._local, span=self.span, slots=self.slots)

    def facts(self, columns: Iterable[str], *, key: tuple[str, ...] = ()) -> Facts:
        """Rows; of each column what is missing, not finite, least, greatest; keys, and distinct ones."""
        if self._view is None:
            return Facts(0)
        with self._view.errors():
            return facts.find(self._view, tuple(columns), key)

    def distances(self, current: "Window", column: str) -> tuple[float, float]:
        """The Kolmogorov-Smirnov and the Wasserstein-1 distance of the finite values of two windows.

        Returns:
            Both NaN where a window has no values.
        """
        views = (self._view, current._view)  # noqa: SLF001 - its own kind
        if views[0] is None or views[1] is None:
            return np.nan, np.nan
        return distances.find(views[0], views[1], column)

    def count_vectors(self, column: str, key: str) -> int:
        """How many vectors there are.

        Raises:
            SourceError: when an id has more than one vector.
        """
        if self._view is None:
            return 0
        with self._view.errors():
            return vectors.count(self._view, column, key)

    def pairs(self, current: "Window", column: str, key: str) -> Iterator[Pairs]:
        """Vectors of this window, the reference, and of the current one, for the ids that both have."""
        views = (self._view, current._view)  # noqa: SLF001 - its own kind
        if views[0] is not None and views[1] is not None:
            yield from vectors.pairs(self._local, views[0], views[1], column, key)

    def numbers(self, columns: Iterable[str], cluster: Cluster | None) -> Rows:
        """Numeric rows; of one column of vectors, the vectors.

        Rows with a missing or non-finite number, or without a cluster, are left out and counted.
        """
        names = tuple(columns)
        if self._view is None:
            return StreamedRows(0, len(names), 0, lambda: iter(()))
        with self._view.errors():
            return numbers.numbers(self._view, names, self._cut(cluster))
