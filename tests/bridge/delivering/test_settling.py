from dataclasses import replace

import pytest

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import NO_REST, Pace
from recwatch_bridge.delivering.settling import Backoff, Settlement, settle
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome

NOW = 1_000.0
BACKOFF = Backoff(initial=1.0, maximum=60.0, give_up_after=500.0)
MESSAGE = Message(1, "u", "email", "alerts", "s", "{}", None, "pending", 0, NOW, NOW, None, None, since=NOW)


def after(
    outcome: Outcome, message: Message = MESSAGE, pace: Pace = NO_REST, min_interval: float = 0.0
) -> Settlement:
    return settle(
        message, outcome, pace=pace, min_interval=min_interval, backoff=BACKOFF, now=NOW, chance=1.0
    )


def test_waits_grow_and_are_spread() -> None:
    backoff = Backoff(initial=1.0, maximum=60.0, give_up_after=0.0)
    assert [backoff.wait(failures, 1.0) for failures in (1, 2, 3, 7, 5000)] == [1.0, 2.0, 4.0, 60.0, 60.0]
    assert backoff.wait(3, 0.0) == 2.0


def test_a_delivery_ends_the_rest_of_the_sink() -> None:
    told = after(Delivered(), pace=Pace(4, NOW, 8.0))
    assert (told.told, told.pace, told.paces) == ("delivered", NO_REST, True)
    assert not after(Delivered()).paces


def test_a_sink_that_wants_time_between_messages_gets_it() -> None:
    for outcome in (Delivered(), Never("no"), Later("greylisted", whole_sink=False)):
        assert after(outcome, min_interval=1.5).pace == Pace(0, NOW + 1.5, 1.5)


def test_a_failure_of_one_message_puts_that_one_back() -> None:
    told = after(Later("greylisted", whole_sink=False), replace(MESSAGE, attempts=2))
    assert (told.told, told.next_attempt, told.pace, told.paces) == ("retry", NOW + 4, NO_REST, False)


def test_a_failure_of_the_whole_sink_makes_it_rest_longer_each_time() -> None:
    told = after(Later("away"), pace=Pace(2, NOW, 2.0))
    assert (told.next_attempt, told.pace) == (NOW + 4, Pace(3, NOW + 4, 4.0))


@pytest.mark.parametrize(("asked", "rest"), [(30.0, 30.0), (0.0, 1.0)])
def test_a_sink_that_says_when_to_come_back_is_heard(asked: float, rest: float) -> None:
    told = after(Later("too fast", after=asked), min_interval=0.5)
    assert (told.next_attempt, told.pace) == (NOW + rest, Pace(1, NOW + rest, rest))


def test_a_message_that_is_too_old_is_a_dead_letter_and_holds_up_nobody() -> None:
    told = after(Later("away"), replace(MESSAGE, since=NOW - 499.5))
    assert (told.told, told.outcome, told.pace) == ("dead", Never("given up: away"), Pace(1))


def test_a_message_that_was_taken_back_counts_anew() -> None:
    assert after(Later("away"), replace(MESSAGE, created=NOW - 10_000)).told == "retry"
