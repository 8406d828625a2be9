import pytest

from recommender.data import read_all
from recommender.errors import TrainingError
from recommender.fitting import (
    DEFAULTS,
    GRIDS,
    SCHEDULES,
    TARGET,
    Fit,
    Progress,
    Schedule,
    candidates,
    fit,
    refit,
    search,
)
from recommender.interactions import Interactions
from recommender.paths import Home
from recommender.splits import Split, split_by_user_and_time


@pytest.fixture(scope="module")
def ratings(prepared_home: Home) -> Interactions:
    return read_all(prepared_home).ratings()


@pytest.fixture(scope="module")
def inner(ratings: Interactions) -> Split:
    return split_by_user_and_time(split_by_user_and_time(ratings).train)


def test_a_training_stops_when_validation_gets_no_better_and_keeps_the_best(inner: Split) -> None:
    seen: list[Progress] = []
    schedule = Schedule(iterations=30, every=1, patience=2)
    found = fit(
        "als",
        DEFAULTS["als"],
        train=inner.train,
        validation=inner.held_out,
        schedule=schedule,
        seed=0,
        watch=seen.append,
    )
    values = [progress.metrics[TARGET] for progress in seen if progress.metrics is not None]
    assert found.stopped_early
    assert len(values) == found.best_iteration + 2 < 30
    assert found.metrics[TARGET] == max(values) == values[found.best_iteration - 1]
    assert [progress.iteration for progress in seen] == list(range(1, len(seen) + 1))


def test_validation_comes_every_few_epochs_and_at_the_end(inner: Split) -> None:
    seen: list[Progress] = []
    schedule = Schedule(iterations=7, every=3, patience=9)
    found = fit(
        "bpr",
        DEFAULTS["bpr"],
        train=inner.train,
        validation=inner.held_out,
        schedule=schedule,
        seed=0,
        watch=seen.append,
    )
    assert [progress.iteration for progress in seen if progress.metrics] == [3, 6, 7]
    assert not found.stopped_early


def test_training_again_gives_the_model_of_the_best_iteration(inner: Split) -> None:
    schedule = Schedule(iterations=4, every=1, patience=9)
    found = fit(
        "als", DEFAULTS["als"], train=inner.train, validation=inner.held_out, schedule=schedule, seed=0
    )
    again = refit("als", DEFAULTS["als"], inner.train, iterations=found.best_iteration, seed=0)
    assert (again.item_factors == found.model.item_factors).all()


def test_nobody_to_validate_with_is_said(inner: Split, ratings: Interactions) -> None:
    nobody = ratings.take(ratings.user_id == -1)
    with pytest.raises(TrainingError, match="no user has enough ratings"):
        fit("als", DEFAULTS["als"], train=inner.train, validation=nobody, schedule=SCHEDULES["als"], seed=0)


def test_nothing_to_train_on_is_said(inner: Split, ratings: Interactions) -> None:
    nothing = ratings.take(ratings.user_id == -1)
    with pytest.raises(TrainingError, match="no rating to train on"):
        fit(
            "als",
            DEFAULTS["als"],
            train=nothing,
            validation=inner.held_out,
            schedule=SCHEDULES["als"],
            seed=0,
        )


def test_candidates_are_every_combination() -> None:
    found = [tuple(candidate.values()) for candidate in candidates({"a": (1.0, 2.0), "b": (3.0, 4.0)})]
    assert found == [(1, 3), (1, 4), (2, 3), (2, 4)]


@pytest.mark.parametrize("name", ["als", "bpr"])
def test_the_grid_holds_the_defaults(name: str) -> None:
    assert DEFAULTS[name] in list(candidates(GRIDS[name]))


def test_a_search_returns_the_best_on_validation(inner: Split) -> None:
    tried: list[Fit] = []
    best = search(
        "als",
        train=inner.train,
        validation=inner.held_out,
        schedule=Schedule(iterations=2, every=1, patience=2),
        seed=0,
        watch=tried.append,
    )
    assert len(tried) == len(list(candidates(GRIDS["als"])))
    assert best.metrics[TARGET] == max(found.metrics[TARGET] for found in tried)
