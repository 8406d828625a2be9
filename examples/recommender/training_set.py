"""Ratings as the sparse matrix that a training works on."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recommender.errors import TrainingError
from recommender.factors import FactorModel
from recommender.interactions import Interactions


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Users x items with stars as values.

    Attributes:
        user_id: int64, ascending, the rows.
        item_id: int64, ascending, the columns.
        matrix: float32, CSR, users x items, stars.
    """

    user_id: npt.NDArray[np.int64]
    item_id: npt.NDArray[np.int64]
    matrix: sparse.csr_matrix

    @classmethod
    def of(cls, ratings: Interactions) -> Self:
        """Build the matrix from ratings, one for each user and item.

        Raises:
            TrainingError: when there is no rating at all.
        """
        if not len(ratings):
            raise TrainingError("there is no rating to train on: take a later --until or a longer --window")
        users, rows = np.unique(ratings.user_id, return_inverse=True)
        items, columns = np.unique(ratings.item_id, return_inverse=True)
        values = ratings.rating.astype(np.float32)
        matrix = sparse.csr_matrix((values, (rows, columns)), shape=(len(users), len(items)))
        return cls(users, items, matrix)

    def popularity(self) -> FactorModel:
        """The baseline: everybody is shown what most users rated."""
        counts = self.matrix.getnnz(axis=0).astype(np.float32)
        ones = np.ones((len(self.user_id), 1), dtype=np.float32)
        return FactorModel("popularity", self.user_id, ones, self.item_id, counts[:, None])
