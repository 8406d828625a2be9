"""The two trainings, one iteration at a time: ALS and BPR of the package implicit.

One iteration at a time, because the caller measures validation in between and stops early. implicit keeps the
factors of its last `fit` and goes on from them.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from implicit.cpu.als import AlternatingLeastSquares
from implicit.cpu.bpr import BayesianPersonalizedRanking
from scipy import sparse

from recommender.factors import FactorModel
from recommender.training_set import TrainingSet

Parameters = Mapping[str, float]

_LOSS_TRIPLES = 20_000


class Fitter(Protocol):
    """A training that goes on for as long as it is asked to."""

    def step(self) -> float:
        """Do one iteration (ALS) or epoch (BPR) and return the loss after it."""

    def model(self) -> FactorModel:
        """A copy of the factors as they are now."""


class AlsFitter:
    """Alternating least squares on stars as confidence.

    The loss is implicit's own: the weighted squared error over all cells plus the penalty, over the sum of
    weights (Hu, Koren and Volinsky, ICDM 2008, equation 3).

    Args:
        data: what to train on.
        parameters: factors, regularization, alpha.
        seed: of the first factors.
    """

    def __init__(self, data: TrainingSet, parameters: Parameters, *, seed: int) -> None:
        self._data = data
        self._losses: list[float] = []
        self._library: Any = AlternatingLeastSquares(
            factors=int(parameters["factors"]),
            regularization=parameters["regularization"],
            alpha=parameters["alpha"],
            iterations=1,
            calculate_training_loss=True,
            num_threads=1,  # two iterations of the same seed are then the same to the last bit
            random_state=np.random.default_rng(seed),
        )

    def step(self) -> float:
        """One sweep over users and items; the loss after it."""
        self._library.fit(self._data.matrix, show_progress=False, callback=self._keep_loss)
        return self._losses[-1]

    def _keep_loss(self, _iteration: int, _seconds: float, loss: float) -> None:
        self._losses.append(float(loss))

    def model(self) -> FactorModel:
        """A copy of the factors as they are now."""
        return FactorModel(
            "als",
            self._data.user_id,
            self._library.user_factors.copy(),
            self._data.item_id,
            self._library.item_factors.copy(),
            regularization=float(self._library.regularization),
            alpha=float(self._library.alpha),
        )


class BprFitter:
    """Bayesian personalized ranking by sampled pairs; stars are ignored.

    implicit gives no loss, so it is measured here: the mean of -ln sigmoid(score of a rated item - score of
    an unrated one) over triples that are drawn once and kept (Rendle et al., UAI 2009, BPR-OPT without the
    penalty).

    Args:
        data: what to train on.
        parameters: factors, learning_rate, regularization.
        seed: of the first factors, of the training's samples and of the loss's triples.
    """

    def __init__(self, data: TrainingSet, parameters: Parameters, *, seed: int) -> None:
        self._data = data
        self._triples = sample_triples(data.matrix, _LOSS_TRIPLES, np.random.default_rng(seed))
        self._library: Any = BayesianPersonalizedRanking(
            factors=int(parameters["factors"]),
            learning_rate=parameters["learning_rate"],
            regularization=parameters["regularization"],
            iterations=1,
            num_threads=1,  # several threads write over each other's steps, and no run is like another
            # A generator and not a number: every epoch would draw the same samples from a number.
            random_state=np.random.default_rng(seed),
        )

    def step(self) -> float:
        """One pass of as many samples as there are ratings; the loss after it."""
        self._library.fit(self._data.matrix, show_progress=False)
        return bpr_loss(self._library.user_factors, self._library.item_factors, self._triples)

    def model(self) -> FactorModel:
        """A copy of the factors as they are now."""
        return FactorModel(
            "bpr",
            self._data.user_id,
            self._library.user_factors.copy(),
            self._data.item_id,
            self._library.item_factors.copy(),
            regularization=float(self._library.regularization),
        )


def sample_triples(
    matrix: sparse.csr_matrix, count: int, generator: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw users with an item that they rated and one that they did not.

    Args:
        matrix: users x items.
        count: how many to draw; triples whose second item turns out to be rated are left out.
        generator: the source of chance.

    Returns:
        At most count x 3: user, rated item, unrated item, as positions.
    """
    rated = matrix.tocoo()
    chosen = generator.integers(rated.nnz, size=count)
    users, positives = rated.row[chosen].astype(np.intp), rated.col[chosen].astype(np.intp)
    negatives = generator.integers(matrix.shape[1], size=count)
    width = matrix.shape[1]
    unrated = ~np.isin(users * width + negatives, rated.row.astype(np.intp) * width + rated.col)
    return np.stack([users, positives, negatives], axis=1)[unrated]


def bpr_loss(
    user_factors: npt.NDArray[np.float32],
    item_factors: npt.NDArray[np.float32],
    triples: npt.NDArray[np.intp],
) -> float:
    """Mean of -ln sigmoid(x_ui - x_uj) over triples (u, i, j); ln 2 for a model that knows nothing.

    Args:
        user_factors: users x factors.
        item_factors: items x factors.
        triples: n x 3 positions, n at least 1.
    """
    users, positives, negatives = triples.T
    margin = np.einsum(
        "nf,nf->n", user_factors[users], item_factors[positives] - item_factors[negatives], dtype=np.float64
    )
    return float(np.logaddexp(0.0, -margin).mean())


FITTERS: Mapping[str, type[AlsFitter] | type[BprFitter]] = {"als": AlsFitter, "bpr": BprFitter}
