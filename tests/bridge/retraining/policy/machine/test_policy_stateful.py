"""Whatever happens, in whatever order: one run at a time, never too soon, judged, told once, never stuck.

The database, the registry, the gate, what takes in webhooks, the workers, the rollbacks, the watch and the
weekly look are the real ones. The world around them is made up: alerts, Prometheus, trainers, the service,
people, their commands, a clock that is set back, a bridge that is killed in mid-step; and trainers, manifests
and a registry that say nonsense or fail in ways that nobody foresaw.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from recwatch_bridge.delivering import outbox
from recwatch_bridge.retraining import policy, rollbacks, runs
from recwatch_bridge.retraining.policy import DAY, TRANSITIONS, Limits
from recwatch_bridge.retraining.rollback import SETTLE

LIMITS = Limits(cooldown=3_600.0, max_per_day=3)
"""Of the world's model."""
ENDS = {"promoted": "Model promoted", "refused": "Candidate refused", "failed": "Retraining failed"}
"""The last message of a run, by its state."""
WATCHES = {
    "passed": "Watch passed",
    "superseded": "Watch ended",
    "rolled_back": "Rolling back",
    "not_rolled_back": "Rolling back",
    "unknown": "Watch without an answer",
}
"""The last message of a promoted run, by what became of its watch."""


class Promises:
    """What holds at any time; a mixin of the class that has the rules."""

    world: Any
    store: Any
    all_runs: Any
    send: Any
    time_passes: Any
    clock_is_set_back: Any
    everything_behaves_well_again: Any
    elapsed: float
    set_back: float
    began: dict[str, float]
    ended: dict[str, float]
    states: dict[str, str]
    broken_since: dict[str, float]
    changes: list[float]

    @invariant()
    def one_run_and_one_trainer_at_a_time(self) -> None:
        assert sum(bool(TRANSITIONS[run.state]) for run in self.all_runs) <= 1
        assert len(self.world.trainers.at_work) <= 1
        assert len(set(self.world.trainers.starts)) == len(self.world.trainers.starts)

    @invariant()
    def states_lead_forward(self) -> None:
        for run in self.all_runs:
            before = self.states.get(run.id, "pending")
            assert run.state == before or run.state in _reachable(before)
            self.states[run.id] = run.state
            assert (run.finished is not None) == (run.state in policy.FINAL_STATES)

    @invariant()
    def no_run_begins_too_soon(self) -> None:
        for run in self.all_runs:
            if run.started is not None and run.id not in self.began:
                idle = {before.id for before in self.all_runs if before.no_trainer}
                ends = [end for run_id, end in self.ended.items() if run_id not in idle]
                assert all(self.elapsed - end >= LIMITS.cooldown for end in ends)
                starts = [start for run_id, start in self.began.items() if run_id not in idle]
                recent = [start for start in starts if start > self.elapsed - DAY]
                assert len(recent) < LIMITS.max_per_day
                self.began[run.id] = self.elapsed
            if run.finished is not None and run.id in self.began:
                self.ended.setdefault(run.id, self.elapsed)

    @invariant()
    def no_run_promotes_what_was_in_service_before(self) -> None:
        before: set[str | None] = set()
        for done in self.world.registry.history():
            assert not done.reason.startswith("run ") or done.version not in before
            before |= {done.version, done.previous}

    @invariant()
    def what_is_in_service_was_judged_and_agreed_to(self) -> None:
        by_id = {run.id: run for run in self.all_runs}
        promoted = [done for done in self.world.registry.history() if done.reason.startswith("run ")]
        ids = [done.reason.removeprefix("run ").split(",")[0] for done in promoted]
        assert len(set(ids)) == len(ids)
        for run_id, done in zip(ids, promoted, strict=True):
            run = by_id[run_id]
            unsure = run.state == "failed" and "see whether" in str(run.error)
            assert run.state in ("promoting", "promoted") or unsure
            assert (run.version, run.approved_by) == (done.version, "bob")
            assert run.gate is not None
            assert run.gate["passed"]
            assert (run.serving or None) == done.previous
        assert {run.id for run in self.all_runs if run.state == "promoted"} <= set(ids)
        assert not self.world.damaged & {done.version for done in promoted}

    @invariant()
    def no_alert_rolls_back_the_version_after_the_one_that_it_is_about(self) -> None:
        history = self.world.registry.history()
        with self.store.read() as connection:
            asked = {item.id: item for item in rollbacks.newest(connection, 1_000)}
        for number in range(len(self.changes), len(history)):
            before = self.changes[-1] if self.changes else -math.inf
            why = asked.get(history[number].reason.split(": ")[0])
            # A clock that was set back since tells nothing of the change's age.
            since = self.broken_since.get("" if why is None else why.labels.get("number", ""))
            if since is not None and self.set_back < min(before, since):
                assert since >= before or self.elapsed - before >= SETTLE
            self.changes.append(self.elapsed)
        marks = [done.reason.split(": ")[0] for done in history if done.reason.startswith("rollback-")]
        assert len(set(marks)) == len(marks)

    def teardown(self) -> None:
        try:
            self.no_run_goes_on_for_ever()
            self.everything_behaves_well_again()
            self.nothing_is_stuck()
            self.each_step_was_told_once()
        finally:
            self.world.close()

    def no_run_goes_on_for_ever(self) -> None:
        """However oddly everything behaves, the run that waits or goes on comes to its end."""
        with self.store.read() as connection:
            left = runs.unfinished(connection, "als")
        for _ in range(12 if left else 0):
            for _ in range(3):
                self.world.step()
            self.time_passes(DAY)
        if left is not None:
            with self.store.read() as connection:
                after = runs.get(connection, left.id)
            assert after.finished is not None
            assert after.reload != "pending"

    def nothing_is_stuck(self) -> None:
        """Left alone, every run ends within its times, and an alert that fires then leads to a new one."""
        self.world.doom.place = ""
        self.world.trainers.away = False
        self.settle()
        self.send("f1")
        self.settle()
        self.clock_is_set_back(400 * DAY)
        self.send("f1")
        self.settle()
        self.time_passes(DAY)
        before = len(self.all_runs)
        assert self.send("f1").runs
        assert len(self.all_runs) == before + 1
        self.settle()

    def settle(self) -> None:
        """Let the bridge work, and days pass, until there is nothing to do."""
        for _ in range(20):
            for _ in range(8):
                self.world.step()
            if not self.busy():
                break
            self.time_passes(DAY)
        assert not self.busy()
        assert not self.world.trainers.at_work

    def busy(self) -> bool:
        with self.store.read() as connection:
            asked_for = rollbacks.unfinished(connection, "als")
            left = runs.unfinished(connection, "als")
        return left is not None or bool(asked_for) or any(run.watch == "pending" for run in self.all_runs)

    def each_step_was_told_once(self) -> None:
        with self.store.read() as connection:
            told = [message.notification for message in outbox.newest(connection, 10_000)]
        steps: dict[str, list[str]] = {}
        for notice in told:
            run_id = dict(notice.entries[0].facts).get("Run", "")
            steps.setdefault(run_id, []).append(notice.entries[0].title.split(":")[0])
        for run in self.all_runs:
            expected = []
            if run.state == "failed":
                expected = [ENDS["failed"]]
            if run.started is not None:
                asked = ["Approval needed"] if run.approve_until is not None else []
                expected = ["Retraining started", *asked, ENDS[run.state]]
            if run.reload == "failed":
                expected.append("Service not reloaded")
            elif run.watch is not None:
                expected.append(WATCHES[run.watch])
            assert steps.get(run.id, []) == expected


def _reachable(state: str) -> set[str]:
    found = set(TRANSITIONS[state])
    for following in TRANSITIONS[state]:
        found |= _reachable(following)
    return found


@pytest.mark.parametrize(
    ("examples", "steps"),
    [(4, 15), pytest.param(60, 40, marks=[pytest.mark.all, pytest.mark.timeout(900)])],
    ids=["few", "many"],
)
def test_retraining(examples: int, steps: int, new_world: Callable[[], Any], happenings: Any) -> None:
    made: Any = type("Retraining", (Promises, happenings), {})
    run: Any = run_state_machine_as_test
    run(
        lambda: made(new_world()),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            suppress_health_check=list(HealthCheck),
        ),
    )
