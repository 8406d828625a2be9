"""Early stopping and the search for hyper-parameters, both decided on the validation split."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from recommender.errors import TrainingError
from recommender.factors import FactorModel
from recommender.fitters import FITTERS, Parameters
from recommender.interactions import Interactions
from recommender.judge import judge
from recommender.training_set import TrainingSet

TARGET = "ndcg@10"
"""The validation metric that decides."""


@dataclass(frozen=True)
class Schedule:
    """How long a training goes on.

    Attributes:
        iterations: at most so many.
        every: validation after every so many.
        patience: stop after so many validations without a better one.
    """

    iterations: int
    every: int
    patience: int


DEFAULTS: Mapping[str, Parameters] = {
    "als": {"factors": 16, "regularization": 10.0, "alpha": 1.0},
    "bpr": {"factors": 32, "learning_rate": 0.05, "regularization": 0.01},
}
SCHEDULES: Mapping[str, Schedule] = {
    "als": Schedule(iterations=15, every=1, patience=5),
    "bpr": Schedule(iterations=100, every=5, patience=5),
}
GRIDS: Mapping[str, Mapping[str, Sequence[float]]] = {
    "als": {"factors": (16, 32), "regularization": (1.0, 10.0), "alpha": (1.0, 5.0)},
    "bpr": {"factors": (32, 64), "learning_rate": (0.02, 0.05), "regularization": (0.01, 0.05)},
}


@dataclass(frozen=True)
class Progress:
    """One iteration, for whoever watches.

    Attributes:
        iteration: counted from 1.
        total: how many there will be at most.
        loss: after the iteration.
        seconds: that the iteration took, without validation.
        metrics: on the validation split; None where it was not measured.
    """

    iteration: int
    total: int
    loss: float
    seconds: float
    metrics: Mapping[str, float] | None


@dataclass(frozen=True)
class Fit:
    """The best moment of a training.

    Attributes:
        model: the factors at that moment.
        parameters: hyper-parameters.
        best_iteration: when it was, counted from 1.
        metrics: on the validation split, at that moment.
        stopped_early: whether the training ended before its last iteration.
    """

    model: FactorModel
    parameters: Parameters
    best_iteration: int
    metrics: Mapping[str, float]
    stopped_early: bool


def fit(
    name: str,
    parameters: Parameters,
    *,
    train: Interactions,
    validation: Interactions,
    schedule: Schedule,
    seed: int,
    watch: Callable[[Progress], object] = lambda _: None,
) -> Fit:
    """Train until validation gets no better, and keep the best.

    Args:
        name: `als` or `bpr`.
        parameters: hyper-parameters.
        train: ratings to train on.
        validation: later ratings of the same users.
        schedule: how long.
        seed: of everything random.
        watch: called after every iteration.

    Raises:
        TrainingError: when there is nothing to train on or nobody to validate with.
    """
    data = TrainingSet.of(train)
    fitter = FITTERS[name](data, parameters, seed=seed)
    best: Fit | None = None
    waited = 0
    for iteration in range(1, schedule.iterations + 1):
        started = time.perf_counter()
        loss = fitter.step()
        seconds = time.perf_counter() - started
        metrics = None
        if iteration % schedule.every == 0 or iteration == schedule.iterations:
            model = fitter.model()
            metrics = judge(model, known=train, held_out=validation).metrics()
            if not metrics:
                raise TrainingError(
                    "no user has enough ratings to validate with: take a later --until or a longer --window"
                )
            waited += 1
            if best is None or metrics[TARGET] > best.metrics[TARGET]:
                best, waited = Fit(model, parameters, iteration, metrics, stopped_early=False), 0
        watch(Progress(iteration, schedule.iterations, loss, seconds, metrics))
        if best is not None and waited >= schedule.patience:
            return Fit(best.model, parameters, best.best_iteration, best.metrics, stopped_early=True)
    if best is None:
        raise TrainingError("a training needs at least one iteration: raise --iterations")
    return best


def refit(
    name: str, parameters: Parameters, train: Interactions, *, iterations: int, seed: int
) -> FactorModel:
    """Train again for a known number of iterations, on what was kept for validation too.

    Raises:
        TrainingError: when there is nothing to train on.
    """
    fitter = FITTERS[name](TrainingSet.of(train), parameters, seed=seed)
    for _ in range(iterations):
        fitter.step()
    return fitter.model()


def candidates(grid: Mapping[str, Sequence[float]]) -> Iterator[Parameters]:
    """Every combination of a grid."""
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def search(
    name: str,
    *,
    train: Interactions,
    validation: Interactions,
    schedule: Schedule,
    seed: int,
    watch: Callable[[Fit], object] = lambda _: None,
) -> Fit:
    """Try every combination of the model's grid and return the best on the validation split.

    Args:
        name: `als` or `bpr`.
        train: ratings to train on.
        validation: later ratings of the same users.
        schedule: how long each may train.
        seed: of everything random, the same for each.
        watch: called with each result.

    Raises:
        TrainingError: when there is nothing to train on or nobody to validate with.
    """
    fits = []
    for parameters in candidates(GRIDS[name]):
        found = fit(name, parameters, train=train, validation=validation, schedule=schedule, seed=seed)
        watch(found)
        fits.append(found)
    return max(fits, key=lambda found: found.metrics[TARGET])
