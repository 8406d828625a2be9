"""A factor model as arrays: what a training leaves behind and serving loads, without the library."""

import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, Self, cast

import numpy as np
import numpy.typing as npt

from recommender.catalogue import find_sorted
from recommender.errors import ModelError

Kind = Literal["als", "bpr", "popularity"]
Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]

_FOLD_IN_STEPS = 100
_FOLD_IN_RATE = 0.1


@dataclass(frozen=True, eq=False)
class FactorModel:
    """Scores are inner products of user and item factors.

    Attributes:
        kind: how it was trained, hence how a new user is folded in.
        user_id: int64, ascending, users.
        user_factors: float32, users x factors.
        item_id: int64, ascending, items.
        item_factors: float32, items x factors.
        regularization: as trained.
        alpha: confidence per star, as trained (ALS).
    """

    kind: Kind
    user_id: npt.NDArray[np.int64]
    user_factors: Matrix
    item_id: npt.NDArray[np.int64]
    item_factors: Matrix
    regularization: float = 0.0
    alpha: float = 1.0

    def user_vector(self, user_id: int) -> Vector | None:
        """The factors of a user; None for one whom the training did not know."""
        position = int(find_sorted(self.user_id, np.array([user_id]))[0])
        return None if position < 0 else self.user_factors[position]

    def scores(self, vectors: Matrix) -> Matrix:
        """Scores of all items, users x items, for user factors, users x factors."""
        return vectors @ self.item_factors.T

    def item_positions(self, item_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Where items stand; -1 for one that the training did not know."""
        return find_sorted(self.item_id, item_ids)

    @cached_property
    def _gram(self) -> npt.NDArray[np.float64]:
        factors = self.item_factors.astype(np.float64)
        return factors.T @ factors

    def fold_in(self, item_ids: npt.NDArray[np.int64], ratings: npt.NDArray[np.float64]) -> Vector | None:
        """Factors for a user whom the training did not know, from what he rated; the items stay as they are.

        Args:
            item_ids: int64, what he rated.
            ratings: stars, as long as `item_ids`.

        Returns:
            His factors; None when the model knows none of the items.
        """
        positions = self.item_positions(item_ids)
        known = positions >= 0
        if not known.any():
            return None
        if self.kind == "bpr":
            return self._ascend(positions[known])
        return self._solve(positions[known], ratings[known])

    def _solve(self, positions: npt.NDArray[np.intp], ratings: npt.NDArray[np.float64]) -> Vector:
        """The exact half step of ALS for one user.

        Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008,
        equation 4: x = (YᵀY + Yᵀ(C - I)Y + λI)⁻¹ YᵀCp with confidence c = alpha * rating.
        """
        rated = self.item_factors[positions].astype(np.float64)
        confidence = self.alpha * ratings
        left = self._gram + rated.T @ ((confidence - 1.0)[:, None] * rated)
        left += self.regularization * np.eye(len(left))
        return np.linalg.solve(left, rated.T @ confidence).astype(np.float32)

    def _ascend(self, positions: npt.NDArray[np.intp]) -> Vector:
        """Gradient ascent on BPR-OPT for one user, over all his items against the mean of the others.

        Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009, with the
        negatives replaced by their mean: deterministic, and the same direction that sampling takes on
        average near the start. The last factor of a user is fixed at 1: the items' last one is their bias.
        """
        items = self.item_factors.astype(np.float64)
        others = np.ones(len(items), dtype=np.bool_)
        others[positions] = False
        if not others.any():
            return np.append(np.zeros(items.shape[1] - 1), 1.0).astype(np.float32)
        difference = items[positions] - items[others].mean(axis=0)
        vector = np.zeros(items.shape[1])
        vector[-1] = 1.0
        for _ in range(_FOLD_IN_STEPS):
            missing = 1.0 / (1.0 + np.exp(difference @ vector))
            gradient = missing @ difference / len(difference) - self.regularization * vector
            vector[:-1] += _FOLD_IN_RATE * gradient[:-1]
        return vector.astype(np.float32)

    def save(self, path: Path) -> None:
        """Write an uncompressed npz file."""
        np.savez(
            path,
            kind=np.array(self.kind),
            user_id=self.user_id,
            user_factors=self.user_factors,
            item_id=self.item_id,
            item_factors=self.item_factors,
            regularization=np.array(self.regularization),
            alpha=np.array(self.alpha),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote; nothing is unpickled.

        Raises:
            ModelError: when the file is missing, damaged or not such a file.
        """
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                model = cls(
                    kind=cast("Kind", str(file["kind"])),
                    user_id=file["user_id"],
                    user_factors=file["user_factors"],
                    item_id=file["item_id"],
                    item_factors=file["item_factors"],
                    regularization=float(file["regularization"]),
                    alpha=float(file["alpha"]),
                )
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path} cannot be used ({error}): train and publish again") from error
        if not (np.isfinite(model.user_factors).all() and np.isfinite(model.item_factors).all()):
            raise ModelError(
                f"{path} holds factors that are not finite: train again, with more regularization"
            )
        return model
