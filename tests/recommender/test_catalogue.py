import numpy as np
import pytest

from recommender.catalogue import Catalogue, find_sorted

CATALOGUE = Catalogue.of(
    item_id=np.array([1, 4, 9]),
    title=["Heat", None, "Toy Story"],
    year=np.array([1995.0, np.nan, 1995.0]),
    genres=["Action|Crime", "(no genres listed)", "Animation|Comedy"],
)


def test_a_film_without_a_title_is_named_by_its_id() -> None:
    assert CATALOGUE.title == ["Heat", "Untitled (film 4)", "Toy Story"]


def test_genres_are_the_words_between_bars() -> None:
    assert CATALOGUE.genre_names == ["Action", "Animation", "Comedy", "Crime"]


@pytest.mark.parametrize(
    ("genres", "year_from", "year_to", "expected"),
    [
        ((), None, None, [1, 4, 9]),
        (("Crime",), None, None, [1]),
        (("Crime", "Comedy"), None, None, [1, 9]),
        ((), 1995, 1995, [1, 9]),
        ((), 1996, None, []),
        ((), None, 1994, []),
        (("Comedy",), 1990, None, [9]),
    ],
)
def test_filters(
    genres: tuple[str, ...], year_from: int | None, year_to: int | None, expected: list[int]
) -> None:
    mask = CATALOGUE.allowed(genres=genres, year_from=year_from, year_to=year_to)
    assert CATALOGUE.item_id[mask].tolist() == expected


def test_a_table_gives_back_the_catalogue() -> None:
    found = Catalogue.from_table(CATALOGUE.to_table())
    assert found.title == CATALOGUE.title
    assert found.genre_names == CATALOGUE.genre_names
    assert (found.has_genre == CATALOGUE.has_genre).all()
    assert np.array_equal(found.year, CATALOGUE.year, equal_nan=True)


def test_membership() -> None:
    assert 4 in CATALOGUE
    assert 5 not in CATALOGUE
    assert 10 not in CATALOGUE


def test_find_sorted_says_where_and_what_is_absent() -> None:
    assert find_sorted(np.array([2, 5, 7]), np.array([7, 1, 2, 8])).tolist() == [2, -1, 0, -1]
    assert find_sorted(np.array([], dtype=np.int64), np.array([1])).tolist() == [-1]
