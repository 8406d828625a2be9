"""Vectors as directions: of length 1, those without a direction left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.data import Pairs


@dataclass(frozen=True)
class Directions:
    """A chunk of pairs of which both vectors have length 1, in the float type that they had.

    Attributes:
        ids: (rows,)
        reference: (rows, dimensions of the reference).
        current: (rows, dimensions of the current window).
        left_out: rows that were left out: zeros, NaN, Inf or null.
    """

    ids: NDArray[Any]
    reference: NDArray[Any]
    current: NDArray[Any]
    left_out: int


def directions(chunks: Iterable[Pairs]) -> Iterator[Directions]:
    """Scale both vectors of every pair to length 1."""
    for chunk in chunks:
        reference, has_reference = unit_rows(chunk.reference)
        current, has_current = unit_rows(chunk.current)
        keep = has_reference & has_current
        if keep.all():
            yield Directions(chunk.ids, reference, current, 0)
        else:
            yield Directions(chunk.ids[keep], reference[keep], current[keep], int(np.count_nonzero(~keep)))


def unit_rows(vectors: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Rows of length 1, whatever their length was, and which of them have a direction at all."""
    vectors = vectors if vectors.dtype in (np.float32, np.float64) else vectors.astype(np.float64)
    # Scaled by the largest part first, so that squares neither overflow nor vanish.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    has = np.isfinite(largest[:, 0]) & (largest[:, 0] > 0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        scaled = vectors / largest
        units = scaled / np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    return units, has
