from collections.abc import Callable, Sequence

import numpy as np
import pytest

from recommender.evaluation import ndcg_at_k, recall_at_k
from recommender.factors import FactorModel
from recommender.interactions import Interactions
from recommender.judge import judge

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]


@pytest.fixture
def model() -> FactorModel:
    """Ranks items 100, 101, ... in this order for user 1, backwards for user 2."""
    users = np.array([[1.0], [-1.0]], dtype=np.float32)
    items = -np.arange(30, dtype=np.float32)[:, None]
    return FactorModel("als", np.array([1, 2]), users, np.arange(100, 130), items)


def test_known_items_are_passed_over_and_the_rest_is_judged(
    model: FactorModel, make_ratings: MakeRatings
) -> None:
    known = make_ratings([(1, 100, 4.0, 0), (2, 129, 4.0, 0)])
    held_out = make_ratings([(1, 102, 4.0, 9), (1, 999, 4.0, 9), (2, 100, 4.0, 9)])
    found = judge(model, known=known, held_out=held_out)
    # User 1 is shown 101, 102, ...: his first hit is second, and 999 is one that the model cannot find.
    hit = np.zeros((2, 20), dtype=np.bool_)
    hit[0, 1] = True
    count = np.array([2, 1])
    assert found.user_id.tolist() == [1, 2]
    assert found.per_user["ndcg@10"] == pytest.approx(ndcg_at_k(hit, count, 10))
    assert found.per_user["recall@20"] == pytest.approx(recall_at_k(hit, count, 20))
    assert found.per_user["recall@20"].tolist() == [0.5, 0.0]
    assert found.coverage == pytest.approx(20 / 30)


def test_users_whom_the_model_does_not_know_are_not_judged(
    model: FactorModel, make_ratings: MakeRatings
) -> None:
    held_out = make_ratings([(1, 102, 4.0, 9), (7, 101, 4.0, 9)])
    assert judge(model, known=make_ratings([]), held_out=held_out).user_id.tolist() == [1]


def test_a_choice_of_users_is_kept_to(model: FactorModel, make_ratings: MakeRatings) -> None:
    held_out = make_ratings([(1, 102, 4.0, 9), (2, 101, 4.0, 9)])
    found = judge(model, known=make_ratings([]), held_out=held_out, users=np.array([2, 3]))
    assert found.user_id.tolist() == [2]


def test_nobody_to_judge_gives_no_metrics(model: FactorModel, make_ratings: MakeRatings) -> None:
    found = judge(model, known=make_ratings([]), held_out=make_ratings([]))
    assert len(found.user_id) == 0
    assert found.metrics() == {}


def test_a_catalogue_smaller_than_the_list_is_no_mistake(make_ratings: MakeRatings) -> None:
    tiny = FactorModel(
        "als", np.array([1]), np.ones((1, 1), np.float32), np.array([5]), np.ones((1, 1), np.float32)
    )
    found = judge(tiny, known=make_ratings([]), held_out=make_ratings([(1, 5, 4.0, 0)]))
    assert found.metrics()["recall@20"] == 1.0
