from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.errors import TransitionError
from recwatch_bridge.retraining.policy import (
    DAY,
    FINAL_STATES,
    TRANSITIONS,
    Choice,
    Decision,
    Limits,
    Past,
    check_transition,
    decide,
    earliest_start,
    waits_for,
)
from recwatch_bridge.storage.schema import ACTIVE_STATES

LIMITS = Limits(cooldown=3600.0, max_per_day=2)
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("past", "repeat", "expected"),
    [
        (Past(), False, Decision(Choice.CREATE, NOW)),
        (Past(active=True), False, Decision(Choice.JOIN)),
        (Past(active=True), True, Decision(Choice.JOIN)),
        # A new episode during the cooldown waits for its end; a repeat does not count until then.
        (Past(last_finished=NOW - 600), False, Decision(Choice.CREATE, NOW + 3000)),
        (Past(last_finished=NOW - 600), True, Decision(Choice.COOLING_DOWN)),
        (Past(last_finished=NOW - 3600), True, Decision(Choice.CREATE, NOW)),
        # The day's allowance is used up until the older of the two starts is a day old.
        (Past(starts=(NOW - 7200, NOW - 9000)), False, Decision(Choice.CREATE, NOW - 9000 + DAY)),
        (Past(starts=(NOW - 7200, NOW - 9000)), True, Decision(Choice.COOLING_DOWN)),
        (Past(starts=(NOW - 7200, NOW - DAY)), True, Decision(Choice.CREATE, NOW)),
    ],
)
def test_decisions(past: Past, repeat: bool, expected: Decision) -> None:  # noqa: FBT001
    assert decide(LIMITS, past, NOW, repeat=repeat) == expected


@given(
    st.lists(st.floats(min_value=0, max_value=3 * DAY), max_size=12),
    st.none() | st.floats(min_value=0, max_value=3 * DAY),
    st.integers(min_value=1, max_value=4),
)
def test_limits_hold(ages: Sequence[float], finished_ago: float | None, most: int) -> None:
    now = 10 * DAY
    limits = Limits(cooldown=600.0, max_per_day=most)
    past = Past(
        active=False,
        last_finished=None if finished_ago is None else now - finished_ago,
        starts=[now - age for age in ages],
    )
    start = earliest_start(limits, past, now)
    assert start >= now
    assert finished_ago is None or start >= now - finished_ago + 600.0
    assert len([age for age in ages if now - age > start - DAY]) < most


def test_states_move_forward_only() -> None:
    order = [*ACTIVE_STATES, "promoted", "refused", "failed", "withdrawn"]
    assert list(TRANSITIONS) == order
    assert set(ACTIVE_STATES) | set(FINAL_STATES) == set(order)
    for before, following in TRANSITIONS.items():
        assert all(order.index(after) > order.index(before) for after in following)


def test_a_move_backwards_is_refused() -> None:
    check_transition("pending", "running")
    with pytest.raises(
        TransitionError, match="a run that is promoted cannot become running; what follows: nothing"
    ):
        check_transition("promoted", "running")


def test_what_a_run_waits_for_is_told() -> None:
    limits = Limits(cooldown=3_600.0, max_per_day=2)
    past = Past(last_finished=1_000.0, starts=(900.0, 100.0))
    allowance = "the day's allowance: max_per_day is 2, and so many began within 24 hours"
    assert waits_for(limits, past, earliest_start(limits, past, 1_000.0), 1_000.0) == allowance
    past = Past(last_finished=1_000.0, starts=(900.0,))
    cooldown = "the cooldown, 1 h from the end of the last run"
    assert waits_for(limits, past, earliest_start(limits, past, 1_000.0), 1_000.0) == cooldown
    assert waits_for(limits, past, 4_600.0, 4_600.0) == "", "it waits no longer"
    assert waits_for(limits, past, 90_000.0, 1_000.0) == "", "the limits were others"
