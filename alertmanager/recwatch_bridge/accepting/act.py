"""What alerts ask for by their label `action`: to retrain or to roll back the model that `model` names.

Who sends an alert here without that label has a route that is too wide: nothing is done for it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from recwatch_bridge.accepting import identities
from recwatch_bridge.accepting.payload import Alert, Webhook
from recwatch_bridge.accepting.stored import Stored
from recwatch_bridge.accepting.withdraw import withdraw
from recwatch_bridge.messages.compose import summary
from recwatch_bridge.retraining import reasons, rollbacks, trigger
from recwatch_bridge.retraining.policy import Limits
from recwatch_bridge.retraining.runs import Reason
from recwatch_bridge.storage.store import Store

RETRAIN = "retrain"
"""The label `action` that asks for it, its name in paths, and the channel of its identities."""
ROLLBACK = "rollback"
TRIGGER = "alert"


def retrain(
    store: Store, connection: Connection, webhook: Webhook, limits: Mapping[str, Limits], now: float
) -> Stored:
    """Create runs for firing alerts, or let them join; take resolved ones back from runs that still wait.

    Args:
        store: the database.
        connection: of a write transaction on it.
        webhook: the group.
        limits: by model, how often it may be retrained.
        now: seconds since the epoch.
    """
    new = identities.remember(connection, RETRAIN, webhook.alerts, now).new
    _take_turns(store, connection, webhook.alerts, limits)
    asked = _sort_out(webhook.of("firing"), RETRAIN, limits)
    withdrawn = withdraw(store, connection, webhook.of("resolved"), limits, now)
    doubtful = identities.in_doubt(connection, asked.good, now)
    run_ids = []
    for model in dict.fromkeys(alert.labels["model"] for alert in asked.good):
        asking = [alert for alert in asked.good if alert.labels["model"] == model]
        why = [Reason(alert.episode, summary(alert)) for alert in asking]
        repeats = reasons.known(connection, model, [alert.episode for alert in asking])
        answer = trigger.ask(
            store,
            connection,
            limits[model],
            model,
            trigger=TRIGGER,
            reason=why[0],
            now=now,
            repeat=all(alert.episode in repeats for alert in asking),
            # What is resolved again meanwhile takes its reason back.
            earliest=min(doubtful.get(alert.episode, now) for alert in asking),
        )
        if answer.run_id is None:
            asked.ignored.extend((answer.why_not, reason.text) for reason in why)
        else:
            reasons.join(connection, answer.run_id, why, now)
            run_ids.append(answer.run_id)
    return Stored(
        new=tuple(new),
        ignored=tuple(asked.ignored),
        runs=tuple(run_ids),
        withdrawn=withdrawn,
    )


def rollback(
    store: Store, connection: Connection, webhook: Webhook, models: Collection[str], now: float
) -> Stored:
    """Ask for a rollback for each firing alert, once an episode; the rest is up to the model's worker.

    Args:
        store: the database.
        connection: of a write transaction on it.
        webhook: the group.
        models: those that the bridge knows.
        now: seconds since the epoch.
    """
    new = identities.remember(connection, ROLLBACK, webhook.alerts, now).new
    identities.keep(connection, ROLLBACK, webhook.of("firing"), now)
    asked = _sort_out(webhook.of("firing"), ROLLBACK, models)
    _take_turns(store, connection, asked.good, models)
    questions = [
        rollbacks.Question(alert.labels["model"], summary(alert), alert.episode, alert.labels)
        for alert in asked.good
    ]
    created = rollbacks.create_all(connection, questions, trigger=TRIGGER, now=now)
    for question, rollback_id in zip(questions, created, strict=True):
        if rollback_id is None:
            asked.ignored.append(("seen", question.reason))
    ids = dict.fromkeys(rollback_id for rollback_id in created if rollback_id is not None)
    return Stored(new=tuple(new), ignored=tuple(asked.ignored), rollbacks=tuple(ids))


@dataclass(frozen=True)
class _Asked:
    """Firing alerts: those that may ask for the action, and why the others may not."""

    good: list[Alert] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)


def _sort_out(firing: Sequence[Alert], action: str, models: Collection[str]) -> _Asked:
    asked = _Asked()
    for alert in firing:
        if alert.labels.get("action") != action:
            asked.ignored.append(("not_asked", summary(alert)))
        elif alert.is_held:
            asked.ignored.append(("held", summary(alert)))
        elif alert.labels.get("model", "") not in models:
            asked.ignored.append(("unknown_model", summary(alert)))
        else:
            asked.good.append(alert)
    return asked


def _take_turns(
    store: Store, connection: Connection, among: Sequence[Alert], models: Collection[str]
) -> None:
    """Let nobody else decide about these models meanwhile; in one order, against deadlocks."""
    for model in sorted({alert.labels.get("model", "") for alert in among} & set(models)):
        store.serial(connection, f"model:{model}")
