"""What may happen to a bridge and a model, in any order: the rules of the state machine."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from recwatch.errors import RegistryError
from recwatch.registry import ModelRegistry
from recwatch_bridge.retraining import approvals, rollbacks, runs, trigger
from recwatch_bridge.retraining.policy import DAY, Limits
from recwatch_bridge.retraining.runs import Run

LIMITS = Limits(cooldown=3_600.0, max_per_day=3)
TIMEOUT, APPROVAL = 1_800.0, 7_200.0
"""Of the world's model."""
GOOD = {"metrics": {"ndcg@10": 0.2}, "serving_metrics": {"ndcg@10": 0.19}, "samples": 500}
RESULTS: dict[str, dict[str, Any]] = {
    "good": GOOD,
    "bad": GOOD | {"metrics": {"ndcg@10": 0.1}},
    "few": GOOD | {"samples": 5},
}
NONSENSE = [
    "",
    "null",
    '"\\ud800"',
    '{"metrics": {"a\\u0000b": "x"}}',
    '{"version": "\\ud800", "metrics": {}, "samples": 1}',
    '{"version": "v1", "metrics": {"ndcg@10": 1' + 400 * "0" + '}, "samples": 1}',
    '{"version": "v1", "metrics": {}, "samples": 1' + 400 * "0" + "}",
    '{"version": "v1", "metrics": {}, "samples": 1, "pairs": ' + 5_000 * "[" + 5_000 * "]" + "}",
]
"""What a trainer may leave as its result."""
MANIFESTS = [
    b"\xff",
    b"{}",
    b'{"model": "bpr", "version": "VERSION", "trained_at": "2026-11-21T03:15:00Z", "data_version": "x"}',
    b'{"model": "als", "version": "v\\ud800", "trained_at": "2026-11-21T03:15:00Z", "data_version": "x"}',
    b'{"parameters": {"a": ' + 5_000 * b"[" + 5_000 * b"]" + b"}}",
    b'{"model": "als", "version": "v1", "trained_at": "2026-11-21T03:15:00Z", "data_version": "x", '
    b'"metrics": {"a": 1' + 400 * b"0" + b"}}",
]
"""What a version may say of itself that is no good candidate."""
ODD = ["launch", "look", "stop", "registry", "full registry", "service"]
"""What may behave in a way that nobody foresaw."""
FINGERPRINTS = some.sampled_from(["f1", "f2", "f3"])


CHANGES = ("trainer", "promotion", "rollback", "reload")
PLACES = [f"{when} the {what}" for when in ("before", "after") for what in CHANGES]


class Happenings(RuleBasedStateMachine):
    """One model, and everything that may happen about it."""

    def __init__(self, world: Any) -> None:
        super().__init__()
        self.world = world
        self.store = world.store
        self.elapsed = 0.0
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.states: dict[str, str] = {}
        self.broken_since: dict[str, float] = {}
        self.changes: list[float] = []
        self.set_back = -math.inf

    @property
    def all_runs(self) -> list[Run]:
        with self.store.read() as connection:
            return [run for run, _ in runs.newest(connection, 1_000)]

    @property
    def last(self) -> Run | None:
        return next(reversed(self.all_runs), None)

    def send(self, fingerprint: str, **more: Any) -> Any:
        """Let Alertmanager send an alert that asks for a retraining."""
        return self.world.acceptor.retrain(self.world.webhook(fingerprint, "2027-01-01T00:00:00Z", **more))

    @rule(fingerprint=FINGERPRINTS)
    def alert_fires(self, fingerprint: str) -> None:
        answer = self.send(fingerprint)
        assert answer.runs or [why.split(": ")[-1] for why in answer.ignored] == ["cooling_down"]

    @rule(fingerprint=FINGERPRINTS)
    def alert_is_resolved(self, fingerprint: str) -> None:
        self.send(fingerprint, status="resolved")

    @rule(number=some.integers(1, 3), before=some.sampled_from([0.0, 0.0, 30.0, 3_600.0]))
    def version_is_broken(self, number: int, before: float) -> None:
        """An alert asks for a rollback: one that just began, began a while ago, or is repeated."""
        fingerprint = f"broken-{number}"
        self.broken_since.setdefault(fingerprint, self.elapsed - before)
        self.world.break_since(fingerprint, self.world.now - self.elapsed + self.broken_since[fingerprint])

    @rule()
    def version_is_broken_no_more(self) -> None:
        self.world.prometheus.alerts.clear()

    @rule(share=some.sampled_from([None, 0.0, 0.5]))
    def requests_fail(self, share: float | None) -> None:
        self.world.prometheus.share = share

    @rule(what=some.sampled_from(["prometheus", "trainers"]))
    def something_goes_away_or_comes_back(self, what: str) -> None:
        part = getattr(self.world, what)
        part.away = not part.away

    @rule()
    def service_breaks_or_is_mended(self) -> None:
        self.world.service.broken = not self.world.service.broken

    @rule(what=some.sampled_from(ODD))
    def something_behaves_oddly_or_well_again(self, what: str) -> None:
        world = self.world
        if what == "service":
            world.service.odd = not world.service.odd
        elif "registry" in what:
            trouble = "full" if "full" in what else "odd"
            world.registry.trouble = "" if world.registry.trouble == trouble else trouble
        else:
            world.trainers.odd ^= {what}

    def everything_behaves_well_again(self) -> None:
        self.world.trainers.odd.clear()
        self.world.registry.trouble = ""
        self.world.service.odd = False

    @rule()
    def drift_waits_for_the_weekly_look(self) -> None:
        self.world.drift()

    @rule(promotes=some.booleans())
    def person_uses_the_command_while_the_bridge_is_down(self, promotes: bool) -> None:  # noqa: FBT001
        if promotes:
            self.person_promotes_another_version()
        else:
            with suppress(RegistryError):
                ModelRegistry.rollback(self.world.registry, reason="by hand")
        self.world.restart()

    @rule()
    def person_asks(self) -> None:
        asked = trigger.manual(self.store, LIMITS, "als", reason="", by="alice", now=self.world.now)
        assert asked.run_id is not None

    @rule(times=some.integers(1, 6))
    def bridge_works(self, times: int) -> None:
        for _ in range(times):
            self.world.step()

    @rule(place=some.sampled_from(PLACES))
    def bridge_will_be_killed(self, place: str) -> None:
        self.world.doom.place = place

    @rule()
    def bridge_is_killed(self) -> None:
        self.world.restart()

    @precondition(lambda self: self.world.trainers.at_work)
    @rule(outcome=some.sampled_from([*RESULTS, "good", "crash", "complaint", "nothing"]))
    def trainer_ends(self, outcome: str) -> None:
        if outcome in RESULTS:
            result = {"version": self.world.publish(), **RESULTS[outcome]}
            self.trainer_leaves(json.dumps(result))
        else:
            self.trainer_leaves(None, outcome)

    @precondition(lambda self: self.world.trainers.at_work and self.world.registry.versions())
    @rule(newest=some.booleans())
    def trainer_leaves_the_result_of_an_earlier_time(self, newest: bool) -> None:  # noqa: FBT001
        version = self.world.registry.versions()[-1 if newest else 0]
        self.trainer_leaves(json.dumps({"version": version, **GOOD}))

    def trainer_leaves(self, result: str | None, outcome: str = "") -> None:
        trainers = self.world.trainers
        run_id, order = trainers.at_work.popitem()
        trainers.exit_codes[run_id] = 3 if outcome == "crash" else 0
        if outcome == "complaint":
            trainers.complaints.add(run_id)
        if result is not None:
            order.folder.mkdir(parents=True, exist_ok=True)
            order.result.write_text(result, encoding="utf-8")

    @precondition(lambda self: self.world.trainers.at_work)
    @rule(result=some.sampled_from(NONSENSE))
    def trainer_leaves_nonsense(self, result: str) -> None:
        self.trainer_leaves(result)

    @precondition(lambda self: self.world.trainers.at_work)
    @rule(manifest=some.sampled_from(MANIFESTS))
    def trainer_publishes_nonsense(self, manifest: bytes) -> None:
        self.trainer_leaves(json.dumps({"version": self.world.publish(manifest=manifest), **GOOD}))

    @precondition(lambda self: self.world.trainers.at_work and self.world.registry.history())
    @rule(number=some.integers(0, 3))
    def trainer_names_a_version_that_was_in_service(self, number: int) -> None:
        history = self.world.registry.history()
        self.trainer_leaves(json.dumps({"version": history[number % len(history)].version, **GOOD}))

    @precondition(lambda self: self.last and self.last.state == "approving")
    @rule(approve=some.booleans())
    def person_answers(self, approve: bool) -> None:  # noqa: FBT001 - Hypothesis passes names
        run = self.last
        assert run is not None
        counts = approvals.decide(self.store, run.id, approve=approve, by="bob", clock=lambda: self.world.now)
        assert not counts or approvals.answer(run) is None

    @rule(disturb=some.sampled_from(["", "", "another version", "rollback", "clock", *PLACES]))
    def run_goes_its_way(self, disturb: str) -> None:
        """What the other rules would seldom do in this order: from a question to a candidate in service."""
        if disturb == "undone":
            self.person_promotes_another_version()  # to which one can go back
        self.person_asks()
        self.world.step()
        if self.world.trainers.at_work:
            self.trainer_ends("good")
        if disturb == "another version":
            self.person_promotes_another_version()
        elif disturb == "rollback":
            self.person_rolls_back()
        elif disturb == "clock":
            self.clock_is_set_back(2 * DAY)
        elif disturb == "undone":
            self.world.doom.place = "after the promotion"
        elif disturb:
            self.world.doom.place = disturb
        self.bridge_works(3)
        if self.last is not None and self.last.state == "approving":
            self.person_answers(approve=True)
        if disturb == "undone":
            self.bridge_works(2)
            self.person_uses_the_command_while_the_bridge_is_down(promotes=False)
        self.bridge_works(3)

    @rule()
    def promotion_is_undone_before_it_is_recorded(self) -> None:
        """The bridge is killed over a promotion, and comes back after somebody has rolled it back."""
        self.time_passes(DAY)
        self.bridge_works(6)
        self.run_goes_its_way("undone")

    @rule()
    def person_promotes_another_version(self) -> None:
        version = self.world.publish()
        ModelRegistry.promote(self.world.registry, version, reason="by hand")

    @rule()
    def person_rolls_back(self) -> None:
        with self.store.write() as connection:
            rollbacks.create(connection, "als", trigger="manual", reason="by carol", now=self.world.now)

    @rule(seconds=some.sampled_from([60.0, TIMEOUT / 2, TIMEOUT + 1, 3_600.0, APPROVAL, DAY / 2, DAY]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds
        self.elapsed += seconds

    @rule(seconds=some.sampled_from([1.0, 600.0, 7_200.0, 2 * DAY, 400 * DAY]))
    def clock_is_set_back(self, seconds: float) -> None:
        self.world.now -= seconds
        self.set_back = self.elapsed


@pytest.fixture
def happenings() -> type[Happenings]:
    """The rules, without a promise that anything holds."""
    return Happenings
