from collections.abc import Callable, Sequence

import numpy as np

from recommender.catalogue import Catalogue
from recommender.interactions import Interactions
from recommender.memory import Memory

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]
CATALOGUE = Catalogue.of(np.array([1, 2, 3]), ["A", "B", "C"], np.array([1990.0] * 3), ["Drama"] * 3)


def test_ratings_are_remembered_by_time(make_ratings: MakeRatings) -> None:
    memory = Memory(CATALOGUE, make_ratings([(1, 2, 4.0, 9), (1, 1, 3.0, 5), (2, 2, 5.0, 1)]))
    rated = memory.rated(1)
    assert rated.item_id.tolist() == [1, 2]
    assert rated.rating.tolist() == [3.0, 4.0]
    assert memory.popularity().tolist() == [1.0, 2.0, 0.0]


def test_a_stranger_rated_nothing(make_ratings: MakeRatings) -> None:
    assert len(Memory(CATALOGUE, make_ratings([])).rated(99)) == 0


def test_rating_again_replaces_the_stars_and_counts_once(make_ratings: MakeRatings) -> None:
    memory = Memory(CATALOGUE, make_ratings([(1, 2, 4.0, 9)]))
    memory.add(1, 2, 1.5)
    assert memory.rated(1).rating.tolist() == [1.5]
    assert memory.popularity().tolist() == [0.0, 1.0, 0.0]


def test_a_film_outside_the_catalogue_has_no_popularity(make_ratings: MakeRatings) -> None:
    memory = Memory(CATALOGUE, make_ratings([(1, 77, 4.0, 9)]))
    assert memory.popularity().tolist() == [0.0, 0.0, 0.0]


def test_what_was_handed_out_does_not_change(make_ratings: MakeRatings) -> None:
    memory = Memory(CATALOGUE, make_ratings([(1, 2, 4.0, 9)]))
    popularity, rated = memory.popularity(), memory.rated(1)
    memory.add(1, 3, 5.0)
    assert popularity.tolist() == [0.0, 1.0, 0.0]
    assert len(rated) == 1
