"""Nearest neighbours of a few vectors among any number of others, which are read a chunk at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.data import IntArray


class Nearest:
    """The k nearest of each query so far, by scalar product (of unit vectors: by angle).

    Of two that are as near, the one that came first is kept.

    Args:
        queries: (queries, dimensions).
        places: (queries,) where each query itself comes in the stream: it is not its own neighbour.
        k: how many neighbours.
    """

    def __init__(self, queries: NDArray[Any], places: IntArray, k: int) -> None:
        self._queries = queries
        self._places = places
        self._near = np.full((len(queries), k), -np.inf, dtype=queries.dtype)
        self.neighbours = np.full((len(queries), k), -1, dtype=np.int64)
        """(queries, k) places in the stream, the nearest first; -1 where there are not so many."""
        self._seen = 0

    def add(self, vectors: NDArray[Any]) -> None:
        """Look at the next vectors of the stream: (rows, dimensions)."""
        near = self._queries @ vectors.T
        own = self._places - self._seen
        inside = np.flatnonzero((own >= 0) & (own < len(vectors)))
        near[inside, own[inside]] = -np.inf
        self._narrow(near)
        # Few come nearer than the k-th so far, once some chunks are over.
        query, column = np.nonzero(near > self._near[:, -1:])
        if len(query):
            self._merge(query, column + self._seen, near[query, column])
        self._seen += len(vectors)

    def _narrow(self, near: NDArray[Any]) -> None:
        """Raise the bar to the chunk's own k-th nearest, while there are none to compare with."""
        k = self._near.shape[1]
        if self._seen == 0 and near.shape[1] > 4 * k:
            bar = np.partition(near, near.shape[1] - k, axis=1)[:, near.shape[1] - k]
            near[near < bar[:, None]] = -np.inf

    def _merge(self, query: IntArray, place: IntArray, near: NDArray[Any]) -> None:
        k = self._near.shape[1]
        touched = np.unique(query)
        query = np.concatenate([np.repeat(touched, k), query])
        place = np.concatenate([self.neighbours[touched].ravel(), place])
        near = np.concatenate([self._near[touched].ravel(), near])
        order = np.lexsort((place, -near, query))
        query, place, near = query[order], place[order], near[order]
        starts = np.searchsorted(query, touched)
        chosen = starts[:, None] + np.arange(k)
        self._near[touched], self.neighbours[touched] = near[chosen], place[chosen]


def overlap(first: IntArray, second: IntArray) -> NDArray[np.float64]:
    """The share of each query's neighbours that are in both: (queries, k), (queries, k) to (queries,)."""
    both = (first[:, :, None] == second[:, None, :]) & (first[:, :, None] >= 0)
    return np.asarray(both.any(axis=2).mean(axis=1), dtype=np.float64)
