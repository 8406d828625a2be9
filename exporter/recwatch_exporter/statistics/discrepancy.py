"""The maximum mean discrepancy of any labelling of units, many labellings at once."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.statistics.units import Units

_AT_ONCE = 512


class Gram(Protocol):
    """Sums of a kernel over the rows of units: what `K[i, j]` would be if it were written out."""

    def margin(self) -> FloatArray:
        """(units,) the sum over all units: K @ 1."""
        ...

    def own(self) -> FloatArray:
        """(units,) of each unit with itself: the diagonal."""
        ...

    def to_cluster(self, cluster: NDArray[np.intp]) -> FloatArray:
        """(units,) the sum over the units of the same cluster, itself among them."""
        ...

    def within(self, labels: FloatArray) -> FloatArray:
        """(labellings, units) of 0 and 1 to (labellings,): u' K u."""
        ...


class Dense:
    """A kernel that is written out: exact, for some thousands of units.

    Args:
        kernel: (rows, rows), symmetric.
        unit: (rows,) the unit of each row; None where each row is one.
    """

    def __init__(self, kernel: FloatArray, unit: NDArray[np.intp] | None = None) -> None:
        if unit is not None:
            order = np.argsort(unit, kind="stable")
            starts = np.flatnonzero(np.r_[True, np.diff(unit[order]) > 0])
            kernel = np.add.reduceat(kernel[order], starts, axis=0)[:, order]
            kernel = np.add.reduceat(kernel, starts, axis=1)
        self._kernel = kernel

    def margin(self) -> FloatArray:
        """See `Gram`."""
        return np.asarray(self._kernel.sum(axis=1), dtype=np.float64)

    def own(self) -> FloatArray:
        """See `Gram`."""
        return np.array(self._kernel.diagonal(), dtype=np.float64)

    def to_cluster(self, cluster: NDArray[np.intp]) -> FloatArray:
        """See `Gram`."""
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(cluster[order]) > 0])
        sums = np.add.reduceat(self._kernel[:, order], starts, axis=1)
        return np.asarray(sums[np.arange(len(cluster)), cluster], dtype=np.float64)

    def within(self, labels: FloatArray) -> FloatArray:
        """See `Gram`; one half of the symmetric kernel is enough, which halves the work."""
        total = np.zeros(len(labels))
        for start in range(0, labels.shape[1], _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            product = labels[:, :start] @ self._kernel[:start, rows]
            product *= 2.0
            product += labels[:, rows] @ self._kernel[rows, rows]
            total += np.einsum("ij,ij->i", product, labels[:, rows])
        return total


class Mapped:
    """A kernel by features of which it is the scalar product, summed up by unit.

    Args:
        sums: (units, features).
    """

    def __init__(self, sums: FloatArray) -> None:
        self._sums = sums

    def margin(self) -> FloatArray:
        """See `Gram`."""
        return np.asarray(self._sums @ self._sums.sum(axis=0), dtype=np.float64)

    def own(self) -> FloatArray:
        """See `Gram`."""
        return np.asarray(np.einsum("ij,ij->i", self._sums, self._sums), dtype=np.float64)

    def to_cluster(self, cluster: NDArray[np.intp]) -> FloatArray:
        """See `Gram`."""
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(cluster[order]) > 0])
        sums = np.add.reduceat(self._sums[order], starts, axis=0)
        return np.asarray(np.einsum("ij,ij->i", self._sums, sums[cluster]), dtype=np.float64)

    def within(self, labels: FloatArray) -> FloatArray:
        """See `Gram`."""
        sums = labels @ self._sums
        return np.asarray(np.einsum("ij,ij->i", sums, sums), dtype=np.float64)


class SquaredDiscrepancy:
    """Unbiased squared MMD of the two windows that labels make of units.

    MMD² = mean of k(x, x') + mean of k(y, y') - 2 mean of k(x, y), over pairs of different rows (Gretton et
    al., A kernel two-sample test, JMLR 13, 2012, equation 3). With clusters, pairs of rows of one cluster are
    left out of all three means, as a row with itself is: two rows of one user are alike, and would tell of a
    distance between windows where there is none.

    All three sums follow from u'Ku, u the labels: so many permutations are one matrix product.

    Args:
        gram: the kernel by unit.
        units: what is permuted.
        whole: leave out pairs of one cluster; else a row with itself only, the kernel of which must be 1.
    """

    def __init__(self, gram: Gram, units: Units, *, whole: bool) -> None:
        rows = units.rows
        self._gram = gram
        self._rows = rows
        self._margin = gram.margin()
        self._total = float(self._margin.sum())
        self._flipped = not units.short_is_current
        # Of each unit: its pairs with itself, and with its cluster, both as sums and as numbers.
        # A cluster has at most one unit in the shorter window, so all that is left out is linear in labels.
        self._own, self._own_pairs = (gram.own(), rows * rows) if whole else (rows, rows)
        self._cluster, self._cluster_pairs = self._own, self._own_pairs
        if whole and len(rows):
            of_cluster = np.bincount(units.cluster, weights=rows)[units.cluster]
            self._cluster, self._cluster_pairs = gram.to_cluster(units.cluster), rows * of_cluster

    def __call__(self, labels: FloatArray) -> FloatArray:
        """(labellings, units), 1 for the current window, to (labellings,); NaN with too few units."""
        longer, shorter, across = self._means(labels)
        return np.asarray(longer + shorter - 2.0 * across, dtype=np.float64)

    def share(self, labels: FloatArray) -> FloatArray:
        """The root of MMD² over what it would be if no row were near any of the other window.

        MMD² / (mean of k(x, x') + mean of k(y, y')) is 1 where the mean of k(x, y) is 0, and 0 where it is
        the mean of both: so the figure can be read whatever the bandwidth and the number of columns are.

        Args:
            labels: (labellings, units), 1 for the current window.

        Returns:
            (labellings,) of 0..1; 0 where MMD² is below 0; NaN with too few units.
        """
        longer, shorter, across = self._means(labels)
        within = longer + shorter
        with np.errstate(invalid="ignore", divide="ignore"):
            squared = np.where(within > 0, 1.0 - 2.0 * across / within, np.nan)
        return np.asarray(np.sqrt(np.clip(squared, 0.0, 1.0)), dtype=np.float64)

    def _means(self, labels: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The mean kernel within the longer window, within the shorter one, and across; NaN without pairs."""
        if self._flipped:  # the distance is symmetric; labels of the shorter window are wanted
            labels = 1.0 - labels
        within = self._gram.within(labels)
        to_all = labels @ self._margin
        size = labels @ self._rows
        rest = self._rows.sum() - size
        own, own_pairs = labels @ self._own, labels @ self._own_pairs
        cluster, cluster_pairs = labels @ self._cluster, labels @ self._cluster_pairs
        shorter = within - own
        across = to_all - within - (cluster - own)
        longer = self._total - 2.0 * to_all + within - (self._cluster.sum() - 2.0 * cluster + own)
        longer_pairs = rest * rest - (self._cluster_pairs.sum() - 2.0 * cluster_pairs + own_pairs)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (
                longer / _some(longer_pairs),
                shorter / _some(size * size - own_pairs),
                across / _some(size * rest - (cluster_pairs - own_pairs)),
            )


def _some(pairs: FloatArray) -> FloatArray:
    return np.where(pairs > 0, pairs, np.nan)
