"""Cosines of any number of rows, summed up a chunk at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.errors import StatisticError

_WORST = 10


@dataclass
class CosineSummary:
    """Count, mean, spread and lowest of a stream of cosines; its size does not grow with the stream."""

    n: int = 0
    mean: float = float("nan")
    lowest: list[tuple[float, Any]] = field(default_factory=list)
    _squares: float = 0.0

    def add(self, ids: NDArray[Any], cosines: FloatArray) -> None:
        """Take in a chunk: ids (rows,) and cosines (rows,).

        Mean and spread are merged as by Chan, Golub and LeVeque (1979), which keeps their digits.
        """
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
        chunk = np.argsort(cosines, kind="stable")[:_WORST]
        candidates = [*self.lowest, *((float(cosines[i]), _plain(ids[i])) for i in chunk)]
        self.lowest = sorted(candidates, key=lambda item: (item[0], str(item[1])))[:_WORST]

    @property
    def std(self) -> float:
        """Standard deviation over all rows; NaN without rows."""
        return float(np.sqrt(self._squares / self.n)) if self.n else float("nan")


def summarise(
    chunks: Iterable[tuple[NDArray[Any], FloatArray, FloatArray]],
    compare: Callable[[FloatArray, FloatArray], FloatArray],
) -> CosineSummary:
    """Compare vectors row by row.

    Args:
        chunks: ids (rows,), vectors of the reference and of the current window (rows, dimensions).
        compare: gives one cosine a row.

    Raises:
        StatisticError: when vectors are of different length or hold something that is not a finite number.
    """
    summary = CosineSummary()
    for ids, reference, current in chunks:
        if reference.shape[1] != current.shape[1]:
            raise StatisticError(
                f"vectors have {reference.shape[1]} numbers in the reference and {current.shape[1]} in the "
                "current window: compare vectors of one encoder"
            )
        for side, vectors in (("reference", reference), ("current", current)):
            finite = np.isfinite(vectors).all(axis=1)
            if not finite.all():
                name = _plain(ids[np.argmin(finite)])
                raise StatisticError(f"the {side} vector of {name} holds NaN, Inf or null: write it anew")
        summary.add(ids, compare(reference, current))
    return summary


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
