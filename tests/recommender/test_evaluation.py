import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.evaluation import ABSENT, coverage, hits, ndcg_at_k, recall_at_k, top_k


def naive_recall(recommended: list[int], relevant: set[int], k: int) -> float:
    return len(relevant.intersection(recommended[:k])) / len(relevant)


def naive_ndcg(recommended: list[int], relevant: set[int], k: int) -> float:
    gain = sum(1 / math.log2(rank + 1) for rank, item in enumerate(recommended[:k], 1) if item in relevant)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gain / ideal


users = st.lists(
    st.tuples(st.permutations(range(8)), st.sets(st.integers(0, 11), min_size=1)), min_size=1, max_size=5
)


@given(users, st.integers(1, 8))
def test_metrics_agree_with_the_definitions_user_by_user(
    cases: list[tuple[list[int], set[int]]], k: int
) -> None:
    recommended = np.array([ranking for ranking, _ in cases])
    row = np.array([user for user, (_, relevant) in enumerate(cases) for _ in relevant])
    items = np.array([item for _, relevant in cases for item in relevant])
    count = np.array([len(relevant) for _, relevant in cases])
    hit = hits(recommended, row, items)
    expected_recall = [naive_recall(ranking, relevant, k) for ranking, relevant in cases]
    expected_ndcg = [naive_ndcg(ranking, relevant, k) for ranking, relevant in cases]
    assert recall_at_k(hit, count, k) == pytest.approx(expected_recall)
    assert ndcg_at_k(hit, count, k) == pytest.approx(expected_ndcg)


def test_ndcg_of_a_known_case() -> None:
    hit = np.array([[True, False, True]])
    ideal = 1 + 1 / math.log2(3)
    assert ndcg_at_k(hit, np.array([2]), 3)[0] == pytest.approx(1.5 / ideal, abs=1e-15)


@given(st.integers(1, 20), st.integers(1, 30))
def test_a_perfect_ranking_has_ndcg_one(k: int, relevant: int) -> None:
    hit = np.arange(k)[None, :] < relevant
    assert ndcg_at_k(hit, np.array([relevant]), k)[0] == pytest.approx(1.0, abs=1e-12)


@given(st.lists(st.booleans(), min_size=2, max_size=10), st.integers(0, 8))
def test_a_hit_moved_up_never_lowers_ndcg(row: list[bool], at: int) -> None:
    at = min(at, len(row) - 2)
    better = list(row)
    if row[at + 1] and not row[at]:
        better[at], better[at + 1] = True, False
    count = np.array([10, 10])
    before, after = ndcg_at_k(np.array([row, better]), count, len(row))
    assert after >= before


def test_absent_recommendations_are_never_hits() -> None:
    hit = hits(np.array([[3, ABSENT]]), np.array([0, 0]), np.array([3, ABSENT]))
    assert hit.tolist() == [[True, False]]


def test_a_relevant_item_counts_for_its_own_user_only() -> None:
    hit = hits(np.array([[3, 4], [3, 4]]), np.array([0, 1]), np.array([3, 4]))
    assert hit.tolist() == [[True, False], [False, True]]


def test_coverage_counts_each_item_once_and_absent_ones_never() -> None:
    assert coverage(np.array([[1, 2], [2, ABSENT]]), 8) == 0.25


def test_coverage_of_an_empty_catalogue_is_zero() -> None:
    assert coverage(np.empty((0, 10), dtype=np.int64), 0) == 0.0


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=12), st.integers(1, 15))
def test_top_k_agrees_with_sorting_and_breaks_ties_by_position(cells: list[tuple[int, bool]], k: int) -> None:
    scores = np.array([[float(score) for score, _ in cells]])
    allowed = np.array([[ok for _, ok in cells]])
    expected = sorted((at for at, (_, ok) in enumerate(cells) if ok), key=lambda at: (-cells[at][0], at))
    found = top_k(scores, allowed, k)[0]
    assert [at for at in found.tolist() if at >= 0] == expected[:k]
    assert len(found) == min(k, len(cells))
