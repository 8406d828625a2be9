"""Telling of alerts: messages for the outbox, one for each kind of news that a webhook brings to a sink."""

from collections.abc import Sequence

from sqlalchemy import Connection

from recwatch_bridge.accepting import identities
from recwatch_bridge.accepting.payload import Alert, Status, Webhook
from recwatch_bridge.accepting.stored import Stored
from recwatch_bridge.accepting.withdraw import withdraw
from recwatch_bridge.delivering import holding, outbox
from recwatch_bridge.messages.compose import compose, compose_left_out
from recwatch_bridge.storage.store import Store


def tell(
    store: Store,
    connection: Connection,
    sink: str,
    webhook: Webhook,
    *,
    models: frozenset[str],
    remind_after: float | None,
    now: float,
) -> Stored:
    """Put messages into a sink's outbox: for new firing alerts, for reminders, for newly resolved ones.

    Where there is nothing of the kind, and Alertmanager left out alerts, that is told.

    Args:
        store: the database.
        connection: of a write transaction on it.
        sink: for whom.
        webhook: the group.
        models: those that may be retrained: an alert that is over asks for nothing any more.
        remind_after: seconds after which a repeat is told again; None for never.
        now: seconds since the epoch.
    """
    # A request that was cut off and the next one of its group: as they come, they are told.
    store.serial(connection, f"tell:{sink}:{webhook.group_key}")
    uids: dict[Status, str] = {"firing": outbox.new_uid(), "resolved": outbox.new_uid()}
    seen = identities.remember(connection, sink, webhook.alerts, now, message_uids=uids)
    new = seen.new
    firing = [alert for alert in new if alert.status == "firing"]
    resolved = [alert for alert in new if alert.status == "resolved"]
    back, at, reminded = _told_before(connection, sink, webhook, seen, remind_after=remind_after, now=now)
    again = _without(back, firing)
    dropped = (
        holding.drop(connection, sink, [alert.episode for alert in resolved], now)
        if resolved
        else holding.Dropped()
    )

    def enqueue(
        told: Sequence[Alert], answers: Sequence[Alert], *, uid: str | None = None, reminder: bool = False
    ) -> str | None:
        if not told:
            return None
        return outbox.enqueue(
            connection,
            compose(webhook, told, now=now, reminder=reminder),
            sink=sink,
            kind="alerts",
            about=[f"alert:{alert.fingerprint}" for alert in told],
            now=now,
            reply_to=identities.firing_message(connection, sink, answers) if answers else None,
            uid=uid,
        )

    told: list[str | None] = []
    if at > now:
        told += [enqueue(_without(firing, back), (), uid=uids["firing"])]
        held = enqueue(back, again)
        if held is not None:
            holding.hold(connection, held, sink, [alert.episode for alert in back], at)
            identities.move(connection, sink, _without(back, again), held)
    else:
        told += [enqueue([*firing, *again], again if not firing else (), uid=uids["firing"])]
    told += [enqueue(reminded, reminded, reminder=True)]
    over = [alert for alert in resolved if alert.episode not in dropped.episodes]
    told += [enqueue(over, over, uid=uids["resolved"])]
    if over and dropped.until is not None:
        holding.postpone(connection, uids["resolved"], dropped.until)
    left_out = _tell_left_out(connection, sink, webhook, now, is_told=any(told))
    # Routes may send resolved alerts to people only; a run that waits need not begin all the same. Here a
    # resolve may be an old story that was news to the run.
    withdrawn = withdraw(store, connection, webhook.of("resolved"), models, now)
    return Stored(new=(*new, *again), withdrawn=withdrawn, reminded=len(reminded), left_out=left_out)


def _tell_left_out(connection: Connection, sink: str, webhook: Webhook, now: float, *, is_told: bool) -> bool:
    """Say that Alertmanager left out alerts, unless another message does or did today; returns whether."""
    if not webhook.truncated:
        return False
    if not identities.first_left_out(connection, sink, webhook.group_key, now) or is_told:
        return False
    outbox.enqueue(connection, compose_left_out(webhook), sink=sink, kind="alerts", about=(), now=now)
    return True


def _told_before(
    connection: Connection,
    sink: str,
    webhook: Webhook,
    seen: identities.Remembered,
    *,
    remind_after: float | None,
    now: float,
) -> tuple[list[Alert], float, list[Alert]]:
    """Return what fires although it was over, from when on to say so, and what is told again.

    What fires so soon after its end may be a late copy: it is told a moment later, unless it ends again. That
    it is new does not say otherwise: its own request may have been overtaken.
    """
    settled = {alert.episode for alert in webhook.of("resolved")}
    settled |= {alert.episode for alert in seen.new} - seen.over
    by_episode = {alert.episode: alert for alert in webhook.of("firing")}
    known = [alert for episode, alert in by_episode.items() if episode not in settled]
    if not known:
        return [], now, []
    back, at = identities.come_back(connection, sink, known, now)
    repeats = _without(_without(known, seen.new), back)
    if remind_after is None or not repeats:
        return back, at, []
    return back, at, identities.due_again(connection, sink, repeats, now, remind_after)


def _without(told: Sequence[Alert], others: Sequence[Alert]) -> list[Alert]:
    if not others:
        return list(told)
    known = {alert.episode for alert in others}
    return [alert for alert in told if alert.episode not in known]
