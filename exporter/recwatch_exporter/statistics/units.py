"""What is permuted: rows, blocks of rows, or the rows that a cluster has in one slot of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, lgamma
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import CANNOT_TELL, DIFFERENT_PERMUTATIONS, FloatArray
from recwatch_exporter.data import Slotted
from recwatch_exporter.statistics.exposure import MUCH, ratio_of

_BLOCK_CELLS = 2**22  # numbers in one matrix: 32 MiB, whatever the data's size
_SOME = 10
_RARELY = 0.01
_MOST_ABSENT = 20.0  # a logarithm
_NO_SLOT = 255.0  # there are fewer slots
_MANY = 100.0  # a logarithm; its exponential is beyond any number of permutations


@dataclass(frozen=True)
class Units:
    """What is permuted: each unit is rows of one window that belong together.

    What is exchanged must have had the same time: the longer window is cut into `slots` slots as long as the
    shorter window, which is one slot more. A unit is the rows of a cluster in one slot.

    Attributes:
        rows: (units,) how many rows each has.
        current: (units,) whether it lies in the current window.
        cluster: (units,) the number of its cluster, without gaps.
        slot: (units,) 0 to `slots` - 1 in the longer window, `slots` in the shorter one; each slot of a
            cluster is one unit.
        fixed: (units,) units that stay where they are.
        slots: whole slots of the longer window.
        short_is_current: whether the shorter window is the current one.
    """

    rows: FloatArray
    current: NDArray[np.bool_]
    cluster: NDArray[np.intp]
    slot: NDArray[np.intp]
    fixed: NDArray[np.bool_]
    slots: int = 1
    short_is_current: bool = True

    @classmethod
    def alone(
        cls, rows: FloatArray, current: NDArray[np.bool_], fixed: NDArray[np.bool_] | None = None
    ) -> "Units":
        """Units of which none belongs to another."""
        stays = np.zeros(len(rows), dtype=np.bool_) if fixed is None else fixed
        return cls(rows, current, np.arange(len(rows)), current.astype(np.intp), stays)

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    @property
    def short(self) -> NDArray[np.bool_]:
        """(units,) whether it lies in the shorter window."""
        return self.current if self.short_is_current else ~self.current

    @property
    def observed(self) -> FloatArray:
        """(1, units) 1 in the current window, 0 in the reference: the labels as they are."""
        return self.current.astype(np.float64)[None, :]

    @cached_property
    def occupied(self) -> NDArray[np.intp]:
        """(clusters,) in how many slots each has rows that can move."""
        return np.bincount(self.cluster[~self.fixed], minlength=self.clusters)

    @cached_property
    def absence(self) -> float:
        """How likely a cluster is to have no rows in the shorter window, beside having those of one slot.

        1 where the shorter window has as many clusters as any other slot, less where it has more. It is that
        by which as many are expected as are there: the sum of o / (o + (s - o) absence) over the clusters,
        each with rows in o of s slots.
        """
        slots, there = self.slots + 1, int(np.count_nonzero(self.short & ~self.fixed))
        occupied, clusters = np.unique(self.occupied[self.occupied > 0], return_counts=True)
        low, high = -_MOST_ABSENT, _MOST_ABSENT  # logarithms
        for _ in range(50):
            middle = (low + high) / 2
            expected = float((clusters * occupied / (occupied + (slots - occupied) * exp(middle))).sum())
            low, high = (middle, high) if expected > there else (low, middle)
        return exp(low)

    @property
    def most_permutations(self) -> float:
        """How many different permutations there are; infinite where they are beyond number.

        No p-value is smaller than one in so many, but for those that are as bad by chance.
        """
        several = self.occupied[self.occupied > 1]
        # A slot without rows is a choice too, where it is taken now and then.
        absent = (self.slots + 1 - several) * self.absence
        choices = several + (absent >= _RARELY * several)
        alone = (self.occupied[self.cluster] == 1) & ~self.fixed
        moving, single = int(np.count_nonzero(self.short & alone)), int(np.count_nonzero(alone))
        logarithm = lgamma(single + 1) - lgamma(moving + 1) - lgamma(single - moving + 1)
        logarithm += float(np.log(choices).sum())
        return exp(logarithm) if logarithm < _MANY else inf

    @property
    def replaced(self) -> bool:
        """Whether hardly any cluster of the longer window is in the shorter one, though many should be.

        Then there are other clusters now, which is no permutation of the slots of the same ones.
        """
        several = self.occupied > 1
        if self.slots == 1 or not several.any():
            return False
        of_several = several[self.cluster] & ~self.fixed
        seen = int(np.count_nonzero(of_several & self.short))
        expected = np.count_nonzero(of_several & ~self.short) / self.slots
        return bool(expected >= _SOME and seen < expected / _SOME)

    def doubt(self, alpha: float) -> str | None:
        """Why permuting says nothing; None where it may say something.

        Args:
            alpha: p-values above it tell of no drift.
        """
        if self.replaced:
            return "hardly any cluster of the longer window is in the shorter one: they cannot be exchanged"
        possible = self.most_permutations
        if possible * alpha < 1:
            return f"{self.clusters} clusters allow no p-value below {1 / possible:.2g}"
        return None

    def said(self, alpha: float, permutations: int) -> dict[str, Any]:
        """What is to be said about clusters: details of a measurement.

        Args:
            alpha: p-values above it tell of no drift.
            permutations: how many are drawn.
        """
        details: dict[str, Any] = {"clusters": self.clusters}
        if self.slots > 1:
            details["slots"] = self.slots
        if self.most_permutations <= permutations:
            # With so few clusters no p-value is smaller than one in so many.
            details[DIFFERENT_PERMUTATIONS] = round(self.most_permutations)
        doubt = self.doubt(alpha)
        return details if doubt is None else details | {CANNOT_TELL: doubt}

    def select(self, sizes: Iterable[int], rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
        """Permute the labels.

        A cluster with rows in several slots gets one of all slots as its part of the shorter window: each in
        which it has rows as likely as any other, each of the others `absence` times as likely. Clusters with
        rows in one slot then make up the number of clusters that the shorter window has: it does not depend
        on chance, as other windows of its length may have had more clusters, or fewer. With one slot a side
        these permutations are a group that leaves the distribution unchanged under the null, so the p-value
        holds for any statistic (Lehmann and Romano, Testing Statistical Hypotheses, 3rd ed., section 15.2);
        with more, the slots of a cluster have to be exchangeable.

        Args:
            sizes: how many permutations at a time.
            rng: the source of chance.

        Yields:
            (units, size) 1 in the current window.
        """
        alone = np.flatnonzero((self.occupied[self.cluster] == 1) & ~self.fixed)
        several = np.flatnonzero((self.occupied[self.cluster] > 1) & ~self.fixed)
        whose, place, occupied = _places(self.cluster[several])
        weights = (occupied + (self.slots + 1 - occupied) * self.absence).astype(np.float32)[:, None]
        short = self.short.astype(np.uint8)
        there = int(short[~self.fixed].sum())
        for size in sizes:
            chosen = np.repeat(short[:, None], size, axis=1)
            choice = np.minimum(rng.random((len(weights), size), dtype=np.float32) * weights, _NO_SLOT)
            chosen[several] = choice.astype(np.uint8)[whose] == place
            lacking = there - chosen[several].sum(axis=0, dtype=np.int64)
            made_up = (np.arange(len(alone)) < lacking[:, None]).astype(np.uint8)
            chosen[alone] = rng.permuted(made_up, axis=1).T
            yield chosen if self.short_is_current else 1 - chosen

    def draw(self, permutations: int, rng: np.random.Generator) -> Iterator[FloatArray]:
        """Permute the labels as `select` does.

        Yields:
            (some permutations, units) labels, `permutations` rows altogether.
        """
        step = max(1, _BLOCK_CELLS // max(1, len(self.rows)))
        sizes = (min(step, permutations - start) for start in range(0, permutations, step))
        for chosen in self.select(sizes, rng):
            yield np.ascontiguousarray(chosen.T, dtype=np.float64)


def _places(cluster: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.uint8], NDArray[np.intp]]:
    """Units by cluster: (units,) whose each is, (units, 1) its number among them, (clusters,) how many."""
    _, whose, often = np.unique(cluster, return_inverse=True, return_counts=True)
    order = np.argsort(whose, kind="stable")
    place = np.empty(len(cluster), dtype=np.uint8)
    place[order] = np.arange(len(cluster)) - np.repeat(np.cumsum(often) - often, often)
    return whose, place[:, None], often


def units_of_clusters(
    reference: NDArray[np.generic],
    current: NDArray[np.generic],
    slots: tuple[Slotted | None, Slotted | None] = (None, None),
    rows: FloatArray | None = None,
) -> tuple[Units, NDArray[np.intp]]:
    """A unit for each cluster, window and slot.

    Args:
        reference: (n,) the cluster of each row, or of some rows.
        current: (m,) likewise; of the same kind.
        slots: of the longer window; without, both windows are one slot each.
        rows: (n + m,) for how many rows each stands; without, for one.

    Returns:
        The units, and (n + m,) the unit of each row.
    """
    cluster = np.unique(np.concatenate([reference, current]), return_inverse=True)[1].astype(np.int64)
    on_current = np.arange(len(cluster)) >= len(reference)
    longer = slots[1] or slots[0]
    short_is_current = slots[1] is None
    number = 1 if longer is None else longer.number
    slot = np.full(len(cluster), number, dtype=np.int64)
    of_longer = on_current != short_is_current
    slot[of_longer] = 0 if longer is None else longer.slot
    slot[of_longer & (slot >= number)] = number + 1  # what is in no slot, is in one that never moves
    width = number + 2
    cells, unit = np.unique(cluster * width + slot, return_inverse=True)
    slot = cells % width
    units = Units(
        rows=np.bincount(unit, weights=rows, minlength=len(cells)).astype(np.float64),
        current=(slot == number) == short_is_current,
        cluster=cells // width,
        slot=slot,
        fixed=slot > number,
        slots=number,
        short_is_current=short_is_current,
    )
    return units, unit


def said_of(units: Units, alpha: float, permutations: int, *, timed: bool) -> dict[str, Any]:
    """What is to be said about clusters of which only some rows are known: details of a measurement.

    Args:
        units: of clusters.
        alpha: p-values above it tell of no drift.
        permutations: how many are drawn.
        timed: whether slots of time say how long the windows watched.
    """
    details = units.said(alpha, permutations)
    if timed or CANNOT_TELL in details:
        return details
    reference, current = (
        np.bincount(units.cluster, weights=units.rows * side).astype(np.float64)
        for side in (~units.current, units.current)
    )
    ratio = ratio_of(reference, current)
    if ratio is None or 1 / MUCH <= ratio <= MUCH:
        return details
    doubt = (
        f"the windows do not watch their clusters for the same time (about {ratio:.2g} to 1): give "
        "timestamp, so that equal times can be exchanged"
    )
    return details | {CANNOT_TELL: doubt}
