"""Windows of arrays, for tests of what a family does with what sources give."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.data import Cluster, Moments, SideCounts
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.window import Window

_KINDS = {"i": Kind.INTEGER, "f": Kind.FLOATING, "U": Kind.TEXT}


class ArrayWindow:
    """The part of `Window` that count types use, over arrays of one length. NaN is no value."""

    def __init__(self, side: str, columns: Mapping[str, np.ndarray]) -> None:
        self.side = side
        self.data = columns
        self.columns = {name: _KINDS[array.dtype.kind] for name, array in columns.items()}

    def rows(self) -> int:
        return len(next(iter(self.data.values())))

    def count_values(
        self,
        column: str,
        cluster: Cluster | None,
        *,
        numeric: bool,  # noqa: ARG002 - it refuses text
        limit: int | None = None,
    ) -> SideCounts | None:
        values = self.data[column]
        if limit is not None and len(np.unique(values[self._held(column)])) > limit:
            return None
        return self._counts(column, values, cluster)

    def count_cells(self, column: str, edges: np.ndarray, cluster: Cluster | None) -> SideCounts:
        return self._counts(column, np.searchsorted(edges, self.data[column], side="right"), cluster)

    def quantiles(self, column: str, probabilities: np.ndarray) -> np.ndarray:
        return np.asarray(np.quantile(self._values(column), probabilities, method="inverted_cdf"))

    def moments(self, column: str) -> Moments:
        values = self._values(column)
        return Moments(len(values), float(values.mean()), float(values.std()))

    def distances(self, current: "ArrayWindow", column: str) -> tuple[float, float]:
        first, second = self._values(column), current._values(column)
        return float(stats.ks_2samp(first, second).statistic), float(
            stats.wasserstein_distance(first, second)
        )

    def _held(self, column: str) -> np.ndarray:
        values = self.data[column]
        return np.isfinite(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)

    def _values(self, column: str) -> np.ndarray:
        return np.asarray(self.data[column][self._held(column)])

    def _counts(self, column: str, values: np.ndarray, cluster: Cluster | None) -> SideCounts:
        held = self._held(column)
        if cluster is None:
            distinct, counts = np.unique(values[held], return_counts=True)
            return SideCounts(distinct, counts)
        codes, index = np.unique(values[held], return_inverse=True)
        owners, owner = np.unique(self.data[cluster.column][held], return_inverse=True)
        pairs, counts = np.unique(index * len(owners) + owner, return_counts=True)
        return SideCounts(codes[pairs // len(owners)], counts, owners[pairs % len(owners)])


@pytest.fixture
def array_window() -> Callable[..., Window]:
    """Make a window of arrays: `array_window("reference", x=..., user_id=...)`."""

    def make(side: str, **columns: Any) -> Window:
        return cast("Window", ArrayWindow(side, {name: np.asarray(array) for name, array in columns.items()}))

    return make
