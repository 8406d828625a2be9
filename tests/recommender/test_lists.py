from collections.abc import Callable

import pytest

from recommender.lists import Listing, ShownLists

Settled = list[tuple[str, list[int]]]
FIRST, SECOND = Listing("first", "rerank"), Listing("second", "control")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settled() -> Settled:
    return []


@pytest.fixture
def lists(settled: Settled, clock: Callable[[], float]) -> ShownLists:
    def settle(list_id: str, taken: list[int]) -> None:
        settled.append((list_id, taken))

    return ShownLists(settle, wait_seconds=60.0, capacity=3, clock=clock)


def test_all_that_is_taken_from_a_list_is_told_at_once_when_the_next_one_is_shown(
    lists: ShownLists, settled: Settled
) -> None:
    lists.show(FIRST, 1, [10, 11, 12])
    assert lists.take(1, 11) == lists.take(1, 10) == lists.take(1, 11) == "rerank"
    assert settled == []
    lists.show(SECOND, 1, [10, 20])
    assert settled == [("first", [11, 10])]
    assert lists.take(1, 11) is None  # it was on the list before
    assert lists.take(1, 20) == "control"


def test_what_is_on_no_list_of_the_user_is_not_taken_from_it(lists: ShownLists) -> None:
    lists.show(FIRST, 1, [10])
    assert lists.take(1, 99) is None
    assert lists.take(2, 10) is None


def test_a_list_is_settled_when_its_time_is_over(lists: ShownLists, settled: Settled, clock: Clock) -> None:
    lists.show(FIRST, 1, [10])
    clock.now += 30
    lists.show(SECOND, 2, [10])
    lists.take(2, 10)
    clock.now += 29
    lists.settle_due()
    assert settled == []
    clock.now += 1
    lists.settle_due()
    assert settled == [("first", [])]
    clock.now += 30
    lists.settle_due()
    assert settled == [("first", []), ("second", [10])]
    assert len(lists) == 0


def test_a_user_who_is_shown_lists_again_and_again_waits_anew(
    lists: ShownLists, settled: Settled, clock: Clock
) -> None:
    lists.show(FIRST, 1, [10])
    lists.show(SECOND, 2, [10])
    clock.now += 50
    lists.show(Listing("third", "control"), 1, [11])
    clock.now += 20
    lists.settle_due()
    assert settled == [("first", []), ("second", [])]
    assert len(lists) == 1


def test_beyond_its_capacity_the_oldest_is_settled_before_its_time(
    lists: ShownLists, settled: Settled
) -> None:
    for user in range(5):
        lists.show(Listing(f"list-{user}", "control"), user, [10])
    assert [name for name, _ in settled] == ["list-0", "list-1"]
    assert len(lists) == 3


def test_a_list_that_is_not_judged_knows_what_is_taken_from_it_and_tells_nothing(
    lists: ShownLists, settled: Settled
) -> None:
    lists.show(Listing("fallback", "control", judged=False), 1, [10])
    assert lists.take(1, 10) == "control"
    lists.show(FIRST, 1, [10])
    lists.close()
    assert settled == []


def test_at_the_end_only_what_something_was_taken_from_is_settled(
    lists: ShownLists, settled: Settled
) -> None:
    lists.show(FIRST, 1, [10])
    lists.show(SECOND, 2, [10])
    lists.take(2, 10)
    lists.close()
    lists.close()
    assert settled == [("second", [10])]
