import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalogue import Catalogue
from recommender.embeddings import TitleEmbeddings
from recommender.factors import FactorModel
from recommender.memory import Rated
from recommender.recommend import (
    Recommendation,
    Shelf,
    Wish,
    best_positions,
    cosines,
    recommend,
    rerank_scores,
)

IDS = np.arange(1, 9)
CATALOGUE = Catalogue.of(
    IDS,
    [f"Film {n}" for n in IDS],
    IDS.astype(np.float64) + 1990,
    ["Drama" if n % 2 else "Comedy" for n in IDS],
)
POPULARITY = np.array([0, 5, 1, 9, 2, 0, 0, 3], dtype=np.float32)
NOTHING = Rated(np.array([], dtype=np.int64), np.array([]))


def rated(*items: int) -> Rated:
    return Rated(np.array(items, dtype=np.int64), np.full(len(items), 4.0))


@pytest.fixture
def shelf() -> Shelf:
    """User 1 likes low ids; the model does not know film 8."""
    items = np.stack([-IDS[:7], np.ones(7)], axis=1).astype(np.float32)
    model = FactorModel("als", np.array([1]), np.array([[1.0, 0.0]], np.float32), IDS[:7], items, 0.1)
    return Shelf(CATALOGUE, model)


def ids(answer: Recommendation) -> list[int]:
    return [int(item_id) for item_id in CATALOGUE.item_id[answer.positions]]


def test_the_model_ranks_for_a_user_whom_it_knows(shelf: Shelf) -> None:
    answer = recommend(Wish(1, topk=3), shelf, NOTHING, POPULARITY)
    assert ids(answer) == [1, 2, 3]
    assert answer.scores.tolist() == [-1.0, -2.0, -3.0]
    assert (answer.fallback, answer.folded_in, answer.reranked) == (None, False, None)


def test_what_was_seen_is_left_out_if_asked(shelf: Shelf) -> None:
    assert ids(recommend(Wish(1, topk=3), shelf, rated(1, 3), POPULARITY)) == [2, 4, 5]
    seen = recommend(Wish(1, topk=3, exclude_seen=False), shelf, rated(1, 3), POPULARITY)
    assert ids(seen) == [1, 2, 3]


def test_filters_hold(shelf: Shelf) -> None:
    wish = Wish(1, genres=frozenset({"Comedy"}), year_from=1993, year_to=1996)
    assert ids(recommend(wish, shelf, NOTHING, POPULARITY)) == [4, 6]


def test_filters_that_leave_nothing_give_nothing(shelf: Shelf) -> None:
    answer = recommend(Wish(1, year_from=2100), shelf, NOTHING, POPULARITY)
    assert ids(answer) == []
    assert answer.fallback is None


def test_films_that_the_model_does_not_know_are_not_recommended_by_it(shelf: Shelf) -> None:
    assert 8 not in ids(recommend(Wish(1, topk=100), shelf, NOTHING, POPULARITY))


def test_a_stranger_gets_what_is_popular(shelf: Shelf) -> None:
    answer = recommend(Wish(2, topk=10), shelf, NOTHING, POPULARITY)
    assert ids(answer) == [4, 2, 8, 5, 3]
    assert answer.fallback == "popularity"
    assert not answer.folded_in


def test_a_stranger_who_rated_is_folded_in(shelf: Shelf) -> None:
    answer = recommend(Wish(2), shelf, rated(2, 3), POPULARITY)
    assert answer.folded_in
    assert answer.fallback is None
    assert not {2, 3} & set(ids(answer))


def test_ratings_of_films_that_the_model_does_not_know_do_not_fold_in(shelf: Shelf) -> None:
    answer = recommend(Wish(2), shelf, rated(8), POPULARITY)
    assert answer.fallback == "popularity"
    assert 8 not in ids(answer)


def test_without_a_model_everybody_gets_what_is_popular() -> None:
    answer = recommend(Wish(1, topk=2), Shelf(CATALOGUE), NOTHING, POPULARITY)
    assert ids(answer) == [4, 2]
    assert answer.fallback == "popularity"


def test_reranking_prefers_titles_like_the_users_last_ones(shelf: Shelf) -> None:
    vectors = np.tile(np.array([0.0, 1.0], dtype=np.float32), (8, 1))
    vectors[[1, 4, 6]] = [1.0, 0.0]  # films 2, 5 and 7 are of a kind
    assert shelf.model is not None
    with_titles = Shelf(CATALOGUE, shelf.model, TitleEmbeddings(IDS, vectors))
    plain = recommend(Wish(1, topk=2), with_titles, rated(7), POPULARITY)
    reranked = recommend(Wish(1, topk=2, rerank=True), with_titles, rated(7), POPULARITY)
    assert ids(plain) == [1, 2]
    assert ids(reranked) == [2, 1]
    assert plain.reranked is None
    assert reranked.reranked is not None
    assert reranked.reranked.collaborative.tolist() == sorted(reranked.reranked.collaborative, reverse=True)
    assert set(reranked.reranked.content.tolist()) == {0.0, 1.0}
    assert reranked.recent.tolist() == [7]


def test_without_titles_or_ratings_nothing_is_reranked(shelf: Shelf) -> None:
    assert recommend(Wish(1, rerank=True), shelf, rated(2), POPULARITY).reranked is None
    titles = TitleEmbeddings(IDS, np.ones((8, 2), dtype=np.float32))
    with_titles = Shelf(CATALOGUE, shelf.model, titles)
    assert recommend(Wish(1, rerank=True), with_titles, NOTHING, POPULARITY).reranked is None


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=15), st.integers(1, 20))
def test_the_best_are_those_of_a_full_sort(cells: list[tuple[int, bool]], count: int) -> None:
    scores = np.array([score for score, _ in cells], dtype=np.float32)
    allowed = np.array([ok for _, ok in cells])
    expected = sorted((at for at, (_, ok) in enumerate(cells) if ok), key=lambda at: (-cells[at][0], at))
    assert best_positions(scores, allowed, count).tolist() == expected[:count]


finite = st.floats(-100, 100)


@given(st.lists(finite, min_size=1, max_size=8), st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_reranked_scores_lie_between_0_and_1(scores: list[float], profile: list[float]) -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(len(scores), 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    content = cosines(vectors.astype(np.float32), np.array(profile, dtype=np.float32))
    found = rerank_scores(np.array(scores), content)
    assert np.isfinite(found).all()
    assert (found >= -1e-6).all()
    assert (found <= 1 + 1e-6).all()
