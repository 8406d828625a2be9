"""Asking for a retraining: joining the run that waits or goes on, or creating one that the policy allows."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from recwatch_bridge.clock import iso
from recwatch_bridge.retraining import policy, runs
from recwatch_bridge.retraining.policy import Choice, Limits
from recwatch_bridge.retraining.runs import Reason, Run
from recwatch_bridge.storage.store import Store
from recwatch_bridge.text import one_line

_NAME_LENGTH = 100
_TEXT_LENGTH = 500
_SHORT = 60.0


@dataclass(frozen=True)
class Asked:
    """What became of a question for a retraining.

    Attributes:
        run_id: of the run that was created or joined; None where there is none.
        created: whether the run is new; otherwise it waited or went on already.
        not_before: when the run begins at the earliest, in seconds since the epoch; without a run, when the
            policy would allow one again.
        why_not: why there is no run: `cooling_down`; empty where there is one.
    """

    run_id: str | None
    created: bool
    not_before: float
    why_not: str = ""


def ask(
    store: Store,
    connection: Connection,
    limits: Limits,
    model: str,
    *,
    trigger: str,
    reason: Reason,
    now: float,
    repeat: bool = False,
    earliest: float = 0.0,
) -> Asked:
    """Join the model's run or create one, by the policy. One transaction at a time asks about a model.

    Args:
        store: the database.
        connection: of a write transaction on it.
        limits: the model's.
        model: its name.
        trigger: of a run that is created: `alert`, `manual` or `schedule`.
        reason: why.
        now: seconds since the epoch.
        repeat: whether the reason counts only after the cooldown (see `policy.decide`).
        earliest: a run that is created begins no sooner.
    """
    store.serial(connection, f"model:{model}")
    # What is asked below is answered as of one moment: a run that ended in between would leave no cooldown.
    runs.hold(connection, model)
    past = runs.past(connection, model, now)
    if past.reaches_beyond(now):
        runs.rebase(connection, model, now)
        past = runs.past(connection, model, now)
    decision = policy.decide(limits, past, now, repeat=repeat)
    if decision.choice is Choice.COOLING_DOWN:
        allowed = policy.earliest_start(limits, past, now)
        return Asked(None, created=False, not_before=allowed, why_not=decision.choice.value)
    found = runs.active(connection, model)
    if found is not None:
        runs.join(connection, found.id, reason, now)
        sooner = found.not_before
        if trigger == "manual":
            sooner = _hurry(connection, found, policy.earliest_start(limits, past, now), now)
        return Asked(found.id, created=False, not_before=sooner)
    not_before = max(decision.not_before, earliest)
    run_id = runs.create(connection, model, trigger, not_before=not_before, now=now)
    runs.join(connection, run_id, reason, now)
    return Asked(run_id, created=True, not_before=not_before)


def manual(store: Store, limits: Limits, model: str, *, reason: str, by: str, now: float) -> Asked:
    """Ask for a retraining in a person's name; wake the model's worker afterwards.

    The policy holds for people too: a run that waits or goes on is joined, and a new one waits for the
    cooldown and the day's allowance, as they are configured now: one that waits longer than that begins
    sooner. No resolved alert takes it back.

    Args:
        store: the database.
        limits: the model's.
        model: a name of the configuration; that it is one is the caller's business.
        reason: why, in the person's words; may be empty.
        by: who asks: a name, never a secret.
        now: seconds since the epoch.

    Returns:
        The run, which there always is.

    Raises:
        StoreBusyError, sqlalchemy.exc.DatabaseError: nothing was stored.
    """
    told = one_line(reason, _TEXT_LENGTH)
    name = one_line(by, _NAME_LENGTH) or "somebody"
    text = f"asked for by {name}: {told}" if told else f"asked for by {name}"
    asked = Reason((f"manual:{uuid.uuid4().hex}", str(iso(now))), text)
    return store.commit(
        lambda connection: ask(store, connection, limits, model, trigger="manual", reason=asked, now=now)
    )


def hurry(store: Store, limits: Mapping[str, Limits], now: float) -> None:
    """Let runs that wait begin as soon as the limits allow now: they may have been others before.

    Args:
        store: the database.
        limits: by model.
        now: seconds since the epoch.

    Raises:
        StoreBusyError, sqlalchemy.exc.DatabaseError: those of the models that are left stay as they were.
    """
    for model, its_limits in limits.items():
        store.commit(partial(_hurry_model, store=store, model=model, limits=its_limits, now=now))


def _hurry_model(connection: Connection, *, store: Store, model: str, limits: Limits, now: float) -> None:
    store.serial(connection, f"model:{model}")
    runs.hold(connection, model)
    found = runs.active(connection, model)
    # One that waits so shortly may wait for something else, such as whether its alert is a late copy.
    if found is not None and found.not_before > found.created + _SHORT:
        _hurry(connection, found, policy.earliest_start(limits, runs.past(connection, model, now), now), now)


def _hurry(connection: Connection, run: Run, sooner: float, now: float) -> float:
    """Let a run that waits begin sooner, if that is sooner; returns when it begins."""
    if run.state != "pending" or sooner >= run.not_before:
        return run.not_before
    # Where the clock was set back, the new moment counts by today's clock, as if it were asked for now.
    changed = runs.note(connection, run, not_before=sooner, created=min(run.created, now))
    return sooner if changed else run.not_before
