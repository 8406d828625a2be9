from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.interactions import Interactions
from recommender.splits import held_out_mask, split_by_user_and_time

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]


def pairs(ratings: Interactions) -> set[tuple[int, int]]:
    return set(zip(ratings.user_id.tolist(), ratings.item_id.tolist(), strict=True))


@pytest.mark.parametrize(("count", "held_out"), [(1, 0), (4, 0), (5, 1), (6, 2), (10, 2), (11, 3), (100, 20)])
def test_a_fifth_is_held_out_rounded_up_from_five_ratings_on(count: int, held_out: int) -> None:
    mask = held_out_mask(np.full(count, 7))
    assert mask.sum() == held_out
    assert not mask[: count - held_out].any()


def test_each_users_newest_ratings_are_held_out(make_ratings: MakeRatings) -> None:
    rows = [(user, item, 3.0, 100 * user - item) for user in (1, 2) for item in range(5)]
    split = split_by_user_and_time(make_ratings(rows).ratings())
    assert pairs(split.held_out) == {(1, 0), (2, 0)}
    assert len(split.train) == 8


events = st.lists(
    st.tuples(st.integers(1, 2), st.integers(1, 12), st.just(3.0), st.integers(0, 20)),
    min_size=15,
    max_size=40,
)


def test_a_film_rated_again_does_not_come_into_the_hold_out(make_ratings: MakeRatings) -> None:
    rows = [(1, item, 3.0, item) for item in range(10)]
    again = [*rows, (1, 0, 5.0, 100)]
    assert (1, 0) in pairs(split_by_user_and_time(make_ratings(rows).ratings()).train)
    assert (1, 0) not in pairs(split_by_user_and_time(make_ratings(again).ratings()).held_out)


@given(events, st.integers(0, 20), st.integers(0, 20))
def test_a_later_hold_out_was_never_trained_on_before(
    make_ratings: MakeRatings, rows: list[tuple[int, int, float, int]], first: int, second: int
) -> None:
    """Also where users rate films twice, or several in one second."""
    early, late = sorted((first, second))
    base = np.datetime64("2003-01-01", "us")
    everything = make_ratings(rows)
    before = split_by_user_and_time(everything.between(None, base + np.timedelta64(early, "s")).ratings())
    after = split_by_user_and_time(everything.between(None, base + np.timedelta64(late, "s")).ratings())
    assert not pairs(before.train) & pairs(after.held_out)
    assert not pairs(after.train) & pairs(after.held_out)
    assert pairs(before.train) <= pairs(after.train)
