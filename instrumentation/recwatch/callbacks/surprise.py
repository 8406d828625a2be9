"""Watch the epochs of scikit-surprise's matrix factorizations, which call nobody back."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, Protocol, TypeVar

from recwatch.training import TrainingRun

__all__ = ["fit_surprise"]

# These go once through all ratings in each epoch (scikit-surprise 1.1, matrix_factorization.pyx). Of others,
# such as CoClustering and neighbours, that cannot be said, so nothing is reported of theirs.
_ONE_PASS_AN_EPOCH = frozenset({"SVD", "SVDpp", "NMF"})


class _Algorithm(Protocol):
    trainset: Any

    def fit(self, trainset: Any) -> object: ...


Algorithm = TypeVar("Algorithm", bound=_Algorithm)


def fit_surprise(run: TrainingRun, algorithm: Algorithm, trainset: Any) -> Algorithm:
    """Fit an algorithm of scikit-surprise and report its epochs.

    An epoch of SVD, SVDpp and NMF begins with a pass over the trainset's ratings, and these passes are what
    is watched. So each epoch has a number and a time. It has no loss: the factors are variables of compiled
    code until the last epoch is over. Say RMSE and MAE by `run.evaluation` or `run.cross_validation`. Of
    other algorithms no epoch is reported.

    Args:
        run: the run.
        algorithm: such as `SVD(n_epochs=20)`.
        trainset: a `surprise.Trainset`.

    Returns:
        The algorithm, fitted.
    """
    if not any(cls.__name__ in _ONE_PASS_AN_EPOCH for cls in type(algorithm).__mro__):
        algorithm.fit(trainset)
        return algorithm
    watched = _Watched(run, trainset, getattr(algorithm, "n_epochs", None))
    try:
        algorithm.fit(watched)
    finally:
        algorithm.trainset = trainset  # what is saved with the model is the trainset itself
    watched.epoch_over()
    return algorithm


class _Watched:
    """A trainset that reports an epoch when the next pass over its ratings begins."""

    def __init__(self, run: TrainingRun, trainset: Any, total: int | None) -> None:
        self._run = run
        self._trainset = trainset
        self._total = total
        self._epoch = 0
        self._began = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainset, name)

    def all_ratings(self) -> Iterator[tuple[int, int, float]]:
        self.epoch_over()
        self._epoch += 1
        self._began = perf_counter()
        ratings: Iterator[tuple[int, int, float]] = self._trainset.all_ratings()
        return ratings

    def epoch_over(self) -> None:
        if self._epoch:
            self._run.iteration(self._epoch, self._total, seconds=perf_counter() - self._began)
