from collections.abc import Callable, Sequence

import numpy as np

from recommender.comparison import compare
from recommender.factors import FactorModel
from recommender.interactions import Interactions
from recommender.judge import judge

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]


def model(users: list[int], order: float) -> FactorModel:
    items = order * np.arange(30, dtype=np.float32)[:, None]
    ones = np.ones((len(users), 1), dtype=np.float32)
    return FactorModel("als", np.array(users), ones, np.arange(30), items)


def test_both_are_judged_on_the_users_that_both_know(make_ratings: MakeRatings) -> None:
    known, held_out = make_ratings([]), make_ratings([(1, 29, 4.0, 0), (2, 29, 4.0, 0), (3, 0, 4.0, 0)])
    candidate, serving = model([1, 2, 3], 1.0), model([1, 2], -1.0)
    judged = judge(candidate, known=known, held_out=held_out)
    result = compare("v2", candidate, serving, judged=judged, known=known, held_out=held_out)
    assert result.samples == 2
    assert result.metrics["ndcg@10"] == 1.0
    assert result.serving_metrics is not None
    assert result.serving_metrics["ndcg@10"] == 0.0
    assert result.pairs["ndcg@10"] == [[1.0, 0.0], [1.0, 0.0]]
    assert set(result.pairs) == {"recall@10", "recall@20", "ndcg@10", "ndcg@20"}


def test_without_a_version_in_service_the_candidate_stands_alone(make_ratings: MakeRatings) -> None:
    known, held_out = make_ratings([]), make_ratings([(1, 29, 4.0, 0), (3, 0, 4.0, 0)])
    candidate = model([1, 2, 3], 1.0)
    judged = judge(candidate, known=known, held_out=held_out)
    result = compare("v1", candidate, None, judged=judged, known=known, held_out=held_out)
    assert result.serving_metrics is None
    assert result.samples == 2
    assert result.metrics == judged.metrics()
    assert result.to_json()["pairs"] == {}


def test_a_model_compared_with_itself_ties(make_ratings: MakeRatings) -> None:
    known, held_out = make_ratings([(1, 3, 4.0, 0)]), make_ratings([(1, 25, 4.0, 1), (2, 7, 4.0, 1)])
    candidate = model([1, 2], 1.0)
    judged = judge(candidate, known=known, held_out=held_out)
    result = compare("v2", candidate, candidate, judged=judged, known=known, held_out=held_out)
    assert result.metrics == result.serving_metrics
    assert all(ours == theirs for pairs in result.pairs.values() for ours, theirs in pairs)
