"""Numeric rows of one window: all of them, or a sample that the order of reading does not change."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.data import Sample, joined
from recwatch_exporter.statistics.hashing import short_texts

Hashes = NDArray[np.uint64]

AT_ONCE = 1 << 24
"""So many rows are hashed in one pass: 8 bytes each."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class StreamedRows:
    """`data.Rows` over batches that can be read as often as need be.

    Args:
        n: how many rows the batches hold together.
        dimensions: how many columns each row has.
        left_out: how many rows they leave out.
        read: starts to read.
        at_once: how many rows' hashes are held in memory.
    """

    def __init__(
        self,
        n: int,
        dimensions: int,
        left_out: int,
        read: Callable[[], Iterator[Sample]],
        *,
        at_once: int = AT_ONCE,
    ) -> None:
        self.n = n
        self.dimensions = dimensions
        self.left_out = left_out
        self._read = read
        self._at_once = at_once

    def batches(self) -> Iterator[Sample]:
        """Every row once."""
        return self._read()

    def sample(self, size: int, *, seed: int) -> Sample:
        """`size` rows at random without putting back, or all; two passes over the data, or one for all.

        Every row gets a random number made of its content, its occurrence among equal rows and the seed, and
        the rows with the smallest numbers are taken (bottom-k sampling; Cohen and Kaplan, 2007): so the order
        in which rows come does not matter.
        """
        if self.n <= size:
            return _sorted(list(self._read()), seed)
        wanted, numbers = np.unique(self._draw(size, seed), return_counts=True)
        found = [
            taken for batch in self._read() if (taken := _take(batch, wanted, numbers, seed)) is not None
        ]
        return _sorted(found, seed)

    def _draw(self, size: int, seed: int) -> Hashes:
        """The hashes of the rows of a sample, one for each row."""
        passes = -(-self.n // self._at_once)
        best_keys, best = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
        for number in range(passes):
            parts = [
                hashes[hashes % np.uint64(passes) == number] if passes > 1 else hashes
                for hashes in (hash_rows(batch, seed) for batch in self._read())
            ]
            hashes = np.sort(np.concatenate(parts)) if parts else best[:0]
            starts = np.r_[True, hashes[1:] != hashes[:-1]] if len(hashes) else np.empty(0, dtype=bool)
            first = np.maximum.accumulate(np.where(starts, np.arange(len(hashes)), 0))
            occurrence = (np.arange(len(hashes)) - first).astype(np.uint64)
            keys = np.r_[best_keys, _mix(hashes + occurrence * _GOLDEN)]
            hashes = np.r_[best, hashes]
            smallest = np.argsort(keys, kind="stable")[:size]
            best_keys, best = keys[smallest], hashes[smallest]
        return best


def hash_rows(batch: Sample, seed: int) -> Hashes:
    """(rows,) a hash of each row's numbers and cluster, the same for equal rows."""
    numbers = np.ascontiguousarray(batch.values, dtype=np.float64) + 0.0  # -0.0 equals 0.0
    bits = numbers.view(np.uint64)
    hashes = np.full(len(numbers), np.uint64(seed))
    for column in range(bits.shape[1]):
        hashes = _mix(hashes * np.uint64(3) + bits[:, column])
    if batch.clusters is not None:
        hashes = _mix(hashes * np.uint64(3) + _hash_values(batch.clusters))
    if batch.slots is not None:
        hashes = _mix(hashes * np.uint64(3) + batch.slots.slot.astype(np.uint64))
    return hashes


def _hash_values(values: NDArray[Any]) -> Hashes:
    if values.dtype.kind == "f":
        return np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    if values.dtype.kind in "iu":
        return values.astype(np.uint64)
    distinct, index = np.unique(short_texts(values), return_inverse=True)
    encoded = (text.encode(errors="surrogatepass") for text in distinct.tolist())
    digests = [hashlib.blake2b(text, digest_size=8).digest() for text in encoded]
    return np.asarray(np.frombuffer(b"".join(digests), dtype=np.uint64)[index], dtype=np.uint64)


def _mix(values: Hashes) -> Hashes:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit depends on all."""
    mixed = values + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _take(batch: Sample, wanted: Hashes, numbers: NDArray[np.intp], seed: int) -> Sample | None:
    """The rows of a batch that are wanted; `numbers`, how many of each still are, is lowered."""
    hashes = hash_rows(batch, seed)
    place = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    rows = np.flatnonzero(wanted[place] == hashes)
    if not len(rows):
        return None
    rows = rows[np.argsort(place[rows], kind="stable")]
    which = place[rows]
    starts = np.r_[True, which[1:] != which[:-1]]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(which)), 0))
    keep = np.arange(len(which)) - first < numbers[which]
    np.subtract.at(numbers, which[keep], 1)
    rows = rows[keep]
    return taken_of(batch, rows)


def _sorted(batches: list[Sample], seed: int) -> Sample:
    """All rows of some batches, in an order that only their content decides."""
    if not batches:
        return Sample(np.empty((0, 0)))
    values = np.concatenate([batch.values for batch in batches])
    clusters = None
    if batches[0].clusters is not None:
        clusters = np.concatenate([batch.clusters for batch in batches if batch.clusters is not None])
    whole = Sample(values, clusters, joined([batch.slots for batch in batches]))
    return taken_of(whole, np.argsort(hash_rows(whole, seed), kind="stable"))


def taken_of(batch: Sample, rows: NDArray[Any]) -> Sample:
    """Some rows of a batch: their numbers, or a mask."""
    return Sample(
        batch.values[rows],
        None if batch.clusters is None else batch.clusters[rows],
        None if batch.slots is None else batch.slots.take(rows),
    )
