"""Cosines of any number of rows, summed up a chunk at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.data import IntArray, Pairs
from recwatch_exporter.errors import StatisticError

_NAMED = 10
_BINS = 40
_LOW = {4: 1e-25, 8: 1e-280}  # squares of float32 and float64, by their bytes, which have all their digits
_CELLS_AT_ONCE = 2**18  # 1 MiB of float32: what is read stays in the processor's cache for all three sums


def row_cosine(reference: NDArray[Any], current: NDArray[Any]) -> FloatArray:
    """Cosine of the angle between two vectors, row by row (Salton and McGill, 1983, section 4.1).

    Never more than one number a row: `np.diag(a @ b.T)` for a million rows would take 8 TB. float32 is summed
    as float32, whose rounding a cosine shows at the seventh digit.

    Args:
        reference: (rows, dimensions).
        current: (rows, dimensions), row by row of the same id.

    Returns:
        (rows,) in -1..1; NaN where either vector holds something that is not a finite number. Two vectors of
        zeros count 1, one vector of zeros counts 0.
    """
    reference, current = _floats(reference), _floats(current)
    cosines = np.empty(len(reference))
    step = max(1, _CELLS_AT_ONCE // max(1, reference.shape[1]))
    for start in range(0, len(reference), step):
        rows = slice(start, start + step)
        cosines[rows] = _block(reference[rows], current[rows])
    return cosines


def _floats(vectors: NDArray[Any]) -> NDArray[Any]:
    return vectors if vectors.dtype in (np.float32, np.float64) else vectors.astype(np.float64)


def _block(a: NDArray[Any], b: NDArray[Any]) -> FloatArray:
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        dot, aa, bb = (_dot(x, y).astype(np.float64) for x, y in ((a, b), (a, a), (b, b)))
        squares = aa * bb
        cosines = dot / np.sqrt(squares)
    # Squares that overflow or vanish, zeros, NaN: few rows, if any, which are looked at with care.
    low = _LOW[min(a.dtype.itemsize, b.dtype.itemsize)]
    fine = np.isfinite(dot) & np.isfinite(squares) & (np.minimum(aa, bb) > low) & (squares > _LOW[8])
    odd = np.flatnonzero(~fine)
    if len(odd):
        some = (np.asarray(side[odd], dtype=np.float64) for side in (a, b))
        cosines[odd] = _careful(*some)
    return np.asarray(np.clip(cosines, -1.0, 1.0), dtype=np.float64)


def _dot(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Scalar products row by row; numpy 2 has a quicker way."""
    return np.asarray(np.vecdot(a, b) if hasattr(np, "vecdot") else np.einsum("ij,ij->i", a, b))


def _careful(a: FloatArray, b: FloatArray) -> FloatArray:
    """The same for vectors of any length: each is scaled by its largest part first."""
    finite = np.asarray(np.isfinite(a).all(axis=1) & np.isfinite(b).all(axis=1))
    a, b = _scaled(np.where(finite[:, None], a, 0.0)), _scaled(np.where(finite[:, None], b, 0.0))
    dot, aa, bb = (np.einsum("ij,ij->i", x, y) for x, y in ((a, b), (a, a), (b, b)))
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = dot / np.sqrt(aa * bb)
    cosine = np.where((aa == 0) & (bb == 0), 1.0, np.where((aa == 0) | (bb == 0), 0.0, cosine))
    return np.asarray(np.where(finite, cosine, np.nan), dtype=np.float64)


def _scaled(vectors: FloatArray) -> FloatArray:
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    return np.asarray(vectors / np.where(largest == 0, 1.0, largest), dtype=np.float64)


@dataclass
class CosineSummary:
    """Count, mean, spread, histogram and lowest of a stream of cosines, in bounded memory.

    Attributes:
        threshold: below which a cosine counts in `below`.
        n: cosines, without those that are NaN.
        mean: their mean; NaN without any.
        below: how many of them are below the threshold.
        left_out: how many were NaN.
        broken: ids of the first of those.
        lowest: the ten lowest, each with its id.
        counts: (40,) how many lie in each of 40 equal bins of -1..1.
    """

    threshold: float = 0.0
    n: int = 0
    mean: float = float("nan")
    below: int = 0
    left_out: int = 0
    broken: list[Any] = field(default_factory=list)
    lowest: list[tuple[float, Any]] = field(default_factory=list)
    counts: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _squares: float = 0.0

    def add(self, ids: NDArray[Any], cosines: FloatArray) -> None:
        """Take in a chunk: ids (rows,) and cosines (rows,).

        Mean and spread are merged as by Chan, Golub and LeVeque (1979), which keeps their digits.
        """
        missing = np.isnan(cosines)
        if missing.any():
            self.left_out += int(np.count_nonzero(missing))
            self.broken += [plain(name) for name in ids[missing][: _NAMED - len(self.broken)]]
            ids, cosines = ids[~missing], cosines[~missing]
        n = len(cosines)
        if n == 0:
            return
        mean = float(cosines.mean())
        squares = float(np.square(cosines - mean).sum())
        if self.n == 0:
            self.mean = mean
        total, apart = self.n + n, mean - self.mean
        self._squares += squares + apart * apart * self.n * n / total
        self.mean += apart * n / total
        self.n = total
        self.below += int(np.count_nonzero(cosines < self.threshold))
        cells = np.minimum(((cosines + 1.0) * (_BINS / 2)).astype(np.int64), _BINS - 1)
        self.counts += np.bincount(cells, minlength=_BINS)
        chunk = np.argsort(cosines, kind="stable")[:_NAMED]
        candidates = [*self.lowest, *((float(cosines[i]), plain(ids[i])) for i in chunk)]
        self.lowest = sorted(candidates, key=lambda item: (item[0], str(item[1])))[:_NAMED]

    @property
    def std(self) -> float:
        """Standard deviation over all rows; NaN without rows."""
        return float(np.sqrt(self._squares / self.n)) if self.n else float("nan")

    def details(self) -> dict[str, Any]:
        """What is told beside the mean, as JSON can hold it; nothing without rows."""
        details: dict[str, Any] = {"shared": self.n + self.left_out}
        if self.left_out:
            details |= {"left_out": self.left_out, "left_out_ids": self.broken}
        if self.n:
            worst = [{"id": name, "cosine": cosine} for cosine, name in self.lowest]
            details |= {"std": self.std, "min": self.lowest[0][0], "below": self.below, "worst": worst}
            details["bins"] = self._bins()
        return details

    def _bins(self) -> dict[str, Any]:
        first = int(np.flatnonzero(self.counts)[0])  # most are near 1: leave the empty rest out
        edges = np.linspace(-1.0, 1.0, _BINS + 1)
        labels = [f"{low:.2f} to {low + 2 / _BINS:.2f}" for low in edges[first:-1]]
        return {"labels": labels, "current": (self.counts[first:] / self.n).tolist()}


def summarise(chunks: Iterable[Pairs], *, threshold: float = 0.0) -> CosineSummary:
    """Compare vectors row by row.

    Args:
        chunks: vectors of both windows.
        threshold: below which a cosine is counted.

    Raises:
        StatisticError: when the windows' vectors are of different length.
    """
    summary = CosineSummary(threshold=threshold)
    for chunk in chunks:
        if chunk.reference.shape[1] != chunk.current.shape[1]:
            raise StatisticError(
                f"vectors have {chunk.reference.shape[1]} numbers in the reference and "
                f"{chunk.current.shape[1]} in the current window: compare vectors of one encoder, or by "
                "type neighbours"
            )
        summary.add(chunk.ids, row_cosine(chunk.reference, chunk.current))
    return summary


def plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    return value.item() if isinstance(value, np.generic) else value
