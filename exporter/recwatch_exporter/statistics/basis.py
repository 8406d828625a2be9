"""Rows as functions of their columns, on which a linear classifier sees more than means."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from recwatch_exporter.checks.base import FloatArray
from recwatch_exporter.statistics.ranks import average_ranks

_MOST_FUNCTIONS = 1536
_HIGHEST_DEGREE = 5
_FEW_VALUES = 12
_COLUMNS_IN_PAIRS = 24
_CONSTANT = 1e-12
_OF_A_PAIR = 0.5


@dataclass(frozen=True)
class Basis:
    """Functions of rows, made of both windows together, so that no permutation changes them.

    Attributes:
        values: (rows, functions), those of less weight the smaller.
        column: (functions,) the column of a function of one column; -1 for a product of two.
        first: (rows, columns) what the products are made of.
        pairs: (products, 2) the columns of each product, in their order among the functions.
    """

    values: FloatArray
    column: NDArray[np.int64]
    first: FloatArray
    pairs: NDArray[np.int64]

    def change(self, column: int, order: NDArray[np.intp], weights: FloatArray) -> FloatArray:
        """What a linear score changes by when one column's values are put in another order: (rows,).

        Args:
            column: which.
            order: (rows,) the row whose value each row gets.
            weights: (functions,) of the score.
        """
        own = np.flatnonzero(self.column == column)
        change = (self.values[order][:, own] - self.values[:, own]) @ weights[own]
        moved = self.first[order, column] - self.first[:, column]
        offset = len(self.column) - len(self.pairs)
        for number in np.flatnonzero((self.pairs == column).any(axis=1)):
            other = self.pairs[number].sum() - column
            change += weights[offset + number] * _OF_A_PAIR * moved * self.first[:, other]
        return np.asarray(change, dtype=np.float64)


def basis(rows: FloatArray) -> Basis:
    """Make functions of rows (n, columns).

    A column counts by its ranks, so neither outliers nor units matter. One of few distinct values has a
    function for each value; any other has Legendre polynomials of its rank, the first of which sees a shift,
    the second a change of spread, and so on (Neyman, Smooth test for goodness of fit, 1937). Few columns also
    have the products of each two, which see a change of correlation. Polynomials of degree k count 1 / k,
    products a half: a shift is what happens most, and each function that tells nothing makes those that do
    harder to see.
    """
    n, columns = rows.shape
    degree = max(1, min(_HIGHEST_DEGREE, _MOST_FUNCTIONS // max(1, columns)))
    ranked = 2 * (average_ranks(np.ascontiguousarray(rows.T)) - 0.5) / n - 1  # (columns, n), within -1..1
    functions, column = list[FloatArray](), list[int]()
    for number in range(columns):
        values = np.unique(rows[:, number])
        if len(values) <= min(_FEW_VALUES, 2 * degree):
            own = (rows[:, number, None] == values[None, 1:]).astype(np.float64)
            weight = np.ones(own.shape[1])
        else:
            own = np.polynomial.legendre.legvander(ranked[number], degree)[:, 1:]
            weight = 1.0 / np.arange(1, degree + 1)
        functions.append(_standard(own) * weight)
        column += [number] * own.shape[1]
    first = _standard(ranked.T)
    pairs = np.empty((0, 2), dtype=np.int64)
    if 1 < columns <= _COLUMNS_IN_PAIRS:
        pairs = np.asarray(list(combinations(range(columns), 2)), dtype=np.int64)
    own = np.concatenate(functions, axis=1)
    # Products are not centred, for `change`; both factors have variance 1 already.
    values = np.concatenate([own, _OF_A_PAIR * first[:, pairs[:, 0]] * first[:, pairs[:, 1]]], axis=1)
    return Basis(values, np.asarray([*column, *[-1] * len(pairs)], dtype=np.int64), first, pairs)


def _standard(values: FloatArray) -> FloatArray:
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    return np.asarray(centred / np.where(spread > _CONSTANT, spread, np.inf), dtype=np.float64)
