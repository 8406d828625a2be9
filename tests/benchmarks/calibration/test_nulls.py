import numpy as np
import pytest

from benchmarks.calibration.memory import Table
from benchmarks.calibration.nulls import NULLS, Draw, autoregressive, few_users, independent, series
from benchmarks.calibration.subjects import SUBJECTS

GENERATED = ["independent", "blocks"]


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(first: Table, second: Table) -> bool:
    return all(np.array_equal(first[name].values, second[name].values) for name in first)


@pytest.mark.parametrize("null", NULLS)
def test_the_same_seed_gives_the_same_windows_and_another_seed_others(null: str) -> None:
    first, second, other = (NULLS[null].draw(("amount",), rng(seed)) for seed in (1, 1, 2))

    assert all(same(*sides) for sides in zip(first, second, strict=True))
    assert not same(first[0], {"amount": other[0]["amount"]})


@pytest.mark.parametrize("null", NULLS)
def test_every_column_of_a_type_is_there(null: str) -> None:
    columns = tuple({name for subject in SUBJECTS.values() if not subject.own for name in subject.columns})
    for side in NULLS[null].draw(columns, rng()):
        assert set(columns) <= side.keys()
        assert len({len(column.codes) for column in side.values()}) == 1


def test_users_are_on_one_side_only() -> None:
    reference, current = NULLS["users"].draw(("rating",), rng())

    users = [set(side["user_id"].values) for side in (reference, current)]
    assert not users[0] & users[1]
    assert [len(side) for side in users] == [336, 335]
    assert sum(len(side["rating"].codes) for side in (reference, current)) == 100_004


def test_few_users_have_few_ratings() -> None:
    reference, current = few_users(60, 15)(("f0",), rng())

    numbers = [np.unique(side["user_id"].values, return_counts=True)[1] for side in (reference, current)]
    assert sum(len(side) for side in numbers) == 60
    assert all(side.max() == 15 for side in numbers)


def test_a_series_goes_on_from_one_window_to_the_next() -> None:
    reference, current = series(4, 2)(("amount",), rng())

    times = np.concatenate([side["time"].values for side in (reference, current)])
    assert (np.diff(times) == np.timedelta64(1, "h")).all()
    assert [len(side["amount"].codes) for side in (reference, current)] == [192, 96]


def test_a_series_is_as_persistent_as_it_says() -> None:
    values = autoregressive(100_000, 0.8, rng())

    assert values.std() == pytest.approx(1, abs=0.02)
    assert np.corrcoef(values[1:], values[:-1])[0, 1] == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("draw", [independent(20_000, 20_000), series(200, 200)], ids=GENERATED)
def test_labels_are_as_often_positive_as_scores_say(draw: Draw) -> None:
    reference, _ = draw(("score", "label"), rng())

    score, label = reference["score"].values, reference["label"].values
    for low in (0.1, 0.5, 0.8):
        there = (score >= low) & (score < low + 0.1)
        assert label[there].mean() == pytest.approx(score[there].mean(), abs=0.05)
