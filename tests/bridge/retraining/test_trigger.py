"""Asking for a retraining in a person's name."""

from typing import Any

from recwatch_bridge.retraining import runs, trigger
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage.store import Store

LIMITS = Limits(cooldown=3_600.0, max_per_day=2)


def ask(store: Store, clock: Any, by: str = "alice", reason: str = "new data") -> trigger.Asked:
    return trigger.manual(store, LIMITS, "als", reason=reason, by=by, now=clock())


def finish(store: Store, run_id: str, now: float) -> None:
    for state in ("running", "failed"):
        with store.write() as connection:
            values = {"started": now} if state == "running" else {}
            runs.move(connection, runs.get(connection, run_id), state, now, **values)


def test_person_asks_for_a_run(store: Store, clock: Any) -> None:
    asked = ask(store, clock)
    assert (asked.created, asked.not_before, asked.why_not) == (True, clock.now, "")
    with store.read() as connection:
        run = runs.get(connection, str(asked.run_id))
        reasons = runs.reasons_of(connection, run.id)
    assert (run.state, run.trigger, run.model) == ("pending", "manual", "als")
    assert [reason.text for reason in reasons] == ["asked for by alice: new data"]
    assert reasons[0].episode[0].startswith("manual:")


def test_second_question_joins_the_run(store: Store, clock: Any) -> None:
    first = ask(store, clock)
    second = ask(store, clock, by="bob", reason="")
    assert second == trigger.Asked(first.run_id, created=False, not_before=clock.now)
    with store.read() as connection:
        texts = {reason.text for reason in runs.reasons_of(connection, str(first.run_id))}
    assert texts == {"asked for by alice: new data", "asked for by bob"}


def test_people_wait_for_the_cooldown_and_the_day_too(store: Store, clock: Any) -> None:
    began = clock.now
    finish(store, str(ask(store, clock).run_id), clock.now)
    second = ask(store, clock)
    assert (second.created, second.not_before) == (True, began + 3_600.0)
    clock.now = began + 3_600.0
    finish(store, str(second.run_id), clock.now)
    clock.now += 7_200.0
    assert ask(store, clock).not_before == began + 86_400.0


def test_words_of_a_person_are_cut_and_cleaned(store: Store, clock: Any) -> None:
    asked = ask(store, clock, by="al\x1b[31mice\n" * 90, reason="line\r\none\x00" * 400)
    with store.read() as connection:
        (reason,) = runs.reasons_of(connection, str(asked.run_id))
    assert len(reason.text) < 650
    assert reason.text.isprintable()


def test_repeat_during_the_cooldown_leads_to_no_run(store: Store, clock: Any) -> None:
    finish(store, str(ask(store, clock).run_id), clock.now)
    clock.now += 60
    with store.write() as connection:
        asked = trigger.ask(
            store,
            connection,
            LIMITS,
            "als",
            trigger="schedule",
            reason=Reason(("look:1", "2027-01-01"), "still fires"),
            now=clock.now,
            repeat=True,
        )
    assert asked == trigger.Asked(None, created=False, not_before=clock.now + 3_540, why_not="cooling_down")


def test_asking_again_sees_what_the_limits_are_now(store: Store, clock: Any) -> None:
    began = clock.now
    for _ in range(2):
        finish(store, str(ask(store, clock).run_id), clock.now)
        clock.now += 3_600.0
    waiting = ask(store, clock)
    assert waiting.not_before == began + 86_400.0
    more = Limits(cooldown=3_600.0, max_per_day=100)
    again = trigger.manual(store, more, "als", reason="", by="bob", now=clock())
    assert again == trigger.Asked(waiting.run_id, created=False, not_before=clock.now)
    assert trigger.manual(store, LIMITS, "als", reason="", by="bob", now=clock()).not_before == clock.now
    with store.read() as connection:
        assert runs.get(connection, str(waiting.run_id)).not_before == clock.now


def test_a_restart_sees_what_the_limits_are_now(store: Store, clock: Any) -> None:
    finish(store, str(ask(store, clock).run_id), clock.now)
    clock.now += 60
    waiting = str(ask(store, clock).run_id)

    def begins(**limits: Any) -> float:
        trigger.hurry(store, {"als": Limits(**limits), "bpr": LIMITS}, clock())
        with store.read() as connection:
            return float(runs.get(connection, waiting).not_before - clock.now)

    assert begins(cooldown=7_200.0, max_per_day=2) == 3_540, "nobody waits longer than was said"
    assert begins(cooldown=600.0, max_per_day=2) == 540
    assert begins(cooldown=0.0, max_per_day=1) == 540
    assert begins(cooldown=0.0, max_per_day=2) == 0


def test_asking_again_after_the_clock_was_set_back_waits_for_the_cooldown(store: Store, clock: Any) -> None:
    finish(store, str(ask(store, clock).run_id), clock.now)
    waiting = str(ask(store, clock).run_id)
    clock.now -= 7_200.0
    assert ask(store, clock).not_before == clock.now + 3_600.0
    with store.read() as connection:
        run = runs.get(connection, waiting)
    # The worker takes a run from the future for one that came just now: it waits as long as it was to.
    assert (run.created, run.not_before) == (clock.now, clock.now + 3_600.0)
