import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from recwatch.errors import QualityError
from recwatch.quality import Ranking
from recwatch.quality.ranking import ndcg, novelty, reciprocal_rank
from recwatch.quality.records import Feedback, Item, Prediction


def row(task: Ranking, shown: list[Item], taken: list[Item]) -> tuple[float, ...]:
    prediction = Prediction("p", 0.0, "default", items=task.check_prediction(None, None, shown).items)
    return task.row(prediction, Feedback("p", 1.0, *task.check_label(taken)))


@given(st.lists(st.booleans(), min_size=2, max_size=15), st.integers(1, 15))
def test_ndcg_is_that_of_scikit_learn(relevant: list[bool], k: int) -> None:
    places = [place for place, is_relevant in enumerate(relevant, 1) if is_relevant]
    expected = ndcg_score([relevant], [list(range(len(relevant), 0, -1))], k=k)
    assert ndcg(places, len(places), k) == pytest.approx(expected)


def test_ndcg_knows_what_was_not_shown() -> None:
    assert ndcg([1], 2, 10) == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert ndcg([], 3, 10) == 0.0


def test_reciprocal_rank_is_that_of_the_first() -> None:
    assert reciprocal_rank([4, 9]) == 0.25
    assert reciprocal_rank([]) == 0.0


def test_novelty_is_in_bits() -> None:
    assert novelty([0.5, 0.125]) == 2.0
    assert novelty([1.0]) == 0.0
    assert math.isnan(novelty([]))


def test_every_metric_over_three_lists() -> None:
    task = Ranking(k=2, catalogue=10, popularity={"a": 0.5, "b": 0.25})
    rows = np.array(
        [row(task, ["a", "b", "c"], ["b"]), row(task, ["c", "a"], []), row(task, ["d", "e", "f"], ["f"])]
    )
    found = {name: measured.value for name, measured in task.evaluate(rows).items()}
    assert found == {
        "ctr": pytest.approx(2 / 8),
        "hit_rate@2": pytest.approx(1 / 3),
        "ndcg@2": pytest.approx((1 / math.log2(3)) / 3),
        "mrr": pytest.approx((1 / 2 + 1 / 3) / 3),
        "coverage": 5 / 10,  # a, b, c, d, e: f was beyond the second place
        "novelty": pytest.approx((1.5 + 1.5 + 2.0) / 3),  # unknown items count as the least popular, b
    }
    assert set(found) == set(task.metrics)


def test_without_a_catalogue_and_popularity_there_is_neither_coverage_nor_novelty() -> None:
    task = Ranking(k=2)
    found = task.evaluate(np.array([row(task, [1, 2], [1])]))
    assert set(found) == set(task.metrics) == {"ctr", "hit_rate@2", "ndcg@2", "mrr"}


def test_no_rows_have_no_metrics() -> None:
    assert Ranking(catalogue=5).evaluate(np.empty((0, 16))) == {}


def test_arms_are_compared_by_means_over_lists() -> None:
    task = Ranking(k=1)
    observed = row(task, [1, 2, 3, 4], [2])
    assert dict(
        zip(task.averaged, (task.observe(observed, name) for name in task.averaged), strict=True)
    ) == {
        "ctr": 0.25,
        "hit_rate@1": 0.0,
        "ndcg@1": 0.0,
        "mrr": 0.5,
    }


def test_one_item_will_do_for_a_label() -> None:
    assert Ranking().check_label(7) == (1.0, (7,))
    assert Ranking().check_label("seven") == (1.0, ("seven",))
    assert Ranking().check_label(np.int64(7)) == (1.0, (7,))
    assert Ranking().check_label([]) == (0.0, ())


@pytest.mark.parametrize("items", [None, [], "abc", [1, 1], [1.5], [True], {"a": 1}, range(2_000)])
def test_what_is_no_list_is_refused(items: object) -> None:
    with pytest.raises(QualityError):
        Ranking().check_prediction(None, None, items)


def test_a_score_is_refused() -> None:
    with pytest.raises(QualityError, match="pass `items`"):
        Ranking().check_prediction(0.5, None, [1])


@pytest.mark.parametrize(
    "settings", [{"k": 0}, {"k": 1_000}, {"catalogue": 0}, {"popularity": {"a": 0.0}}, {"popularity": {}}]
)
def test_settings_are_checked(settings: dict[str, object]) -> None:
    with pytest.raises(QualityError):
        Ranking(**settings)  # type: ignore[arg-type]


def test_a_list_without_a_label_is_one_that_nothing_was_taken_from() -> None:
    assert Ranking().unlabelled == (0.0, ())
