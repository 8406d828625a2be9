"""A person's answer about a candidate."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from recwatch_bridge.retraining import approvals, runs
from recwatch_bridge.retraining.runs import Run
from recwatch_bridge.storage.store import Store


@pytest.fixture
def run(store: Store, clock: Any) -> Run:
    """A run that waits for an answer for an hour."""
    with store.write() as connection:
        run_id = runs.create(connection, "als", "alert", not_before=clock.now, now=clock.now)
        for state in ("running", "gating", "approving"):
            runs.move(connection, runs.get(connection, run_id), state, clock.now)
        runs.note(connection, runs.get(connection, run_id), approve_until=clock.now + 3_600)
        return runs.get(connection, run_id)


def now(store: Store, run: Run) -> Run:
    with store.read() as connection:
        return runs.get(connection, run.id)


def test_first_answer_counts(store: Store, run: Run, clock: Any) -> None:
    assert approvals.decide(store, run.id, approve=True, by="alice", clock=clock)
    assert not approvals.decide(store, run.id, approve=False, by="bob", clock=clock)
    found = now(store, run)
    assert (found.state, found.approved_by, found.error) == ("approving", "alice", None)


def test_rejection_names_who_said_so(store: Store, run: Run, clock: Any) -> None:
    assert approvals.decide(store, run.id, approve=False, by="bob\n", clock=clock)
    assert not approvals.decide(store, run.id, approve=True, by="alice", clock=clock)
    found = now(store, run)
    assert (found.approved_by, found.error) == (None, "rejected by bob")


def test_answer_that_comes_too_late_does_not_count(store: Store, run: Run, clock: Any) -> None:
    clock.now += 3_600
    assert not approvals.decide(store, run.id, approve=True, by="alice", clock=clock)


def test_nobody_answered_only_where_nobody_did(store: Store, run: Run, clock: Any) -> None:
    approvals.decide(store, run.id, approve=True, by="alice", clock=clock)
    with store.write() as connection:
        assert not approvals.expire(connection, run, 3_600)
    assert now(store, run).error is None


def test_answers_are_told_apart(store: Store, run: Run) -> None:
    assert approvals.answer(run) is None
    with store.write() as connection:
        assert approvals.expire(connection, run, 3_600)
    found = now(store, run)
    assert (found.error, approvals.answer(found)) == ("nobody approved within 1 h", "expired")
    assert approvals.answer(replace(run, approved_by="alice")) == "approved"
    assert approvals.answer(replace(run, error="rejected by nobody approved")) == "rejected"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "the time to answer was over"),
        ({"error": "nobody approved within 1 h"}, "nobody approved within 1 h"),
        ({"state": "refused", "error": "nobody approved within 1 h"}, "nobody approved within 1 h"),
        ({"error": "rejected by bob"}, "rejected by bob"),
        ({"approved_by": "alice"}, "it was approved by alice before"),
        ({"state": "promoted", "approved_by": "alice"}, "it was approved by alice before"),
        ({"state": "gating"}, "it is gating"),
        ({"state": "failed", "error": "no result"}, "it is failed"),
        ({"state": "refused"}, "it is refused"),
    ],
)
def test_answer_that_does_not_count_is_told_why(run: Run, changes: dict[str, Any], why: str) -> None:
    assert approvals.why_not(replace(run, **changes)) == why


def test_run_that_does_not_wait_takes_no_answer(store: Store, clock: Any) -> None:
    with store.write() as connection:
        run_id = runs.create(connection, "als", "alert", not_before=clock.now, now=clock.now)
    assert not approvals.decide(store, run_id, approve=True, by="alice", clock=clock)
    assert not approvals.decide(store, "no-such-run", approve=True, by="alice", clock=clock)


def test_of_many_answers_at_once_one_counts(store: Store, run: Run, clock: Any) -> None:
    def answer(number: int) -> bool:
        return approvals.decide(store, run.id, approve=number % 2 == 0, by=f"person {number}", clock=clock)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answer, range(8))) == 1


def test_the_words_of_an_answer_are_kept(store: Store, run: Run, clock: Any) -> None:
    with store.write() as connection:
        runs.note(connection, run, gate={"passed": True, "summary": "good"})
    approvals.decide(store, run.id, approve=True, by="alice", reason="looks\ngood", clock=clock)
    found = now(store, run)
    assert found.gate == {"passed": True, "summary": "good", "approved_because": "looks good"}


def test_the_words_of_a_rejection_are_its_reason(store: Store, run: Run, clock: Any) -> None:
    approvals.decide(store, run.id, approve=False, by="bob", reason="do not like", clock=clock)
    assert now(store, run).error == "rejected by bob: do not like"
    assert approvals.answer(now(store, run)) == "rejected"
