"""What is permuted where whole rows are compared: rows, clusters of rows, or blocks of rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray

_BLOCK_CELLS = 2**22  # numbers in one matrix: 32 MiB, whatever the data's size


@dataclass(frozen=True)
class Units:
    """What is permuted: each unit is rows of one window that belong together.

    Attributes:
        rows: (units,) how many rows each has.
        current: (units,) whether it lies in the current window.
        partner: (units,) the unit of the same cluster in the other window; itself where there is none.
        fixed: (units,) units that stay where they are.
    """

    rows: FloatArray
    current: NDArray[np.bool_]
    partner: NDArray[np.intp]
    fixed: NDArray[np.bool_]

    @classmethod
    def alone(cls, rows: FloatArray, current: NDArray[np.bool_]) -> "Units":
        """Units of which none belongs to another, and none stays."""
        return cls(rows, current, np.arange(len(rows)), np.zeros(len(rows), dtype=np.bool_))

    @property
    def observed(self) -> FloatArray:
        """(1, units) 1 in the current window, 0 in the reference: the labels as they are."""
        return self.current.astype(np.float64)[None, :]

    def draw(self, permutations: int, rng: np.random.Generator) -> Iterator[FloatArray]:
        """Permute the labels.

        A unit that is alone changes places with others that are, so that each window keeps its number of
        them; the two units of a cluster in both windows are swapped with probability 1/2. Under the null
        these permutations, which form a group, leave the distribution of the data unchanged, so the p-value
        holds for any statistic (Lehmann and Romano, Testing Statistical Hypotheses, 3rd ed., section 15.2).

        Yields:
            (some permutations, units) labels, `permutations` rows altogether.
        """
        itself = np.arange(len(self.rows))
        alone = np.flatnonzero((self.partner == itself) & ~self.fixed)
        paired = np.flatnonzero((self.partner > itself) & ~self.fixed)
        labels_alone = self.current[alone]
        step = max(1, _BLOCK_CELLS // max(1, len(self.rows)))
        for start in range(0, permutations, step):
            block = min(step, permutations - start)
            labels = np.repeat(self.observed, block, axis=0)
            labels[:, alone] = rng.permuted(np.broadcast_to(labels_alone, (block, len(alone))), axis=1)
            swapped = rng.integers(0, 2, size=(block, len(paired)))
            labels[:, paired] = swapped
            labels[:, self.partner[paired]] = 1 - swapped
            yield labels


def units_of_clusters(
    reference: NDArray[np.generic], current: NDArray[np.generic]
) -> tuple[Units, NDArray[np.intp]]:
    """A unit for each cluster and window.

    Args:
        reference: (n,) the cluster of each row.
        current: (m,) likewise; of the same kind.

    Returns:
        The units, and (n + m,) the unit of each row.
    """
    clusters, index = np.unique(np.concatenate([reference, current]), return_inverse=True)
    side = np.arange(len(index)) >= len(reference)
    cells, unit = np.unique(index * 2 + side, return_inverse=True)
    position = np.full((len(clusters), 2), -1, dtype=np.intp)
    position[cells // 2, cells % 2] = np.arange(len(cells))
    other = position[cells // 2, 1 - cells % 2]
    partner = np.where(other >= 0, other, np.arange(len(cells)))
    rows = np.bincount(unit, minlength=len(cells)).astype(np.float64)
    return Units(rows, cells % 2 == 1, partner, np.zeros(len(cells), dtype=np.bool_)), unit
