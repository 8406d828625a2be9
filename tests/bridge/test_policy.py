from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.errors import TransitionError
from recwatch_bridge.policy import (
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
)
from recwatch_bridge.schema import ACTIVE_STATES

LIMITS = Limits(cooldown=3600.0, max_per_day=2)
NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("past", "repeat", "resolved", "expected"),
    [
        (Past(), False, False, Decision(Choice.CREATE, NOW)),
        (Past(active=True), False, False, Decision(Choice.JOIN)),
        (Past(active=True), True, False, Decision(Choice.JOIN)),
        (Past(active=True), False, True, Decision(Choice.STALE)),
        # A new episode during the cooldown waits for its end; a repeat does not count until then.
        (Past(last_finished=NOW - 600), False, False, Decision(Choice.CREATE, NOW + 3000)),
        (Past(last_finished=NOW - 600), True, False, Decision(Choice.COOLING_DOWN)),
        (Past(last_finished=NOW - 3600), True, False, Decision(Choice.CREATE, NOW)),
        # The day's allowance is used up until the older of the two starts is a day old.
        (Past(starts=(NOW - 7200, NOW - 9000)), False, False, Decision(Choice.CREATE, NOW - 9000 + DAY)),
        (Past(starts=(NOW - 7200, NOW - 9000)), True, False, Decision(Choice.COOLING_DOWN)),
        (Past(starts=(NOW - 7200, NOW - DAY)), True, False, Decision(Choice.CREATE, NOW)),
    ],
)
def test_decisions(past: Past, repeat: bool, resolved: bool, expected: Decision) -> None:  # noqa: FBT001
    assert decide(LIMITS, past, NOW, repeat=repeat, resolved=resolved) == expected


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
    order = ["pending", "running", "gating", "promoting", "promoted", "refused", "failed", "withdrawn"]
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
