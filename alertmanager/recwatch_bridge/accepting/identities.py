"""Which alerts were seen: an identity is `(channel, fingerprint, startsAt, status)`, a unique constraint.

Each question is one statement (or one for every few hundred alerts), however many alerts a webhook has; and
each is answered once over all bridges that share a database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)

from recwatch_bridge.accepting.payload import Alert, Status
from recwatch_bridge.delivering import holding
from recwatch_bridge.storage.batches import batches
from recwatch_bridge.storage.schema import alerts, messages, topics
from recwatch_bridge.storage.upsert import insert_new

LATE = holding.LONGEST
"""Seconds after a resolve in which a firing of the same episode may be a late copy, such as of the other
Alertmanager of a pair, or the alert that goes on: Alertmanager resolves one that Prometheus does not confirm
for some minutes. A resolve longer than that in the future (the clock was set back since) was long ago."""
_KEY = ("channel", "fingerprint", "starts_at", "status")

Episode = tuple[str, str]

# Kept: to build a statement takes SQLAlchemy longer than to carry it out.
_RESOLVED = (
    select(alerts.c.fingerprint, alerts.c.starts_at, alerts.c.id, alerts.c.received)
    .where(alerts.c.fingerprint.in_(bindparam("among", expanding=True)), alerts.c.status == "resolved")
    .order_by(alerts.c.fingerprint, alerts.c.starts_at, alerts.c.received)
)
_RECENTLY = _RESOLVED.where(alerts.c.received.between(bindparam("after"), bindparam("before")))
# As text: in an INSERT, SQLAlchemy writes columns without their table's name. And without the casts SQLite
# would read its whole index: what RETURNING names has no type there.
_IS_OVER: ColumnElement[bool] = literal_column(
    "EXISTS (SELECT 1 FROM alerts AS others WHERE others.channel = CAST(alerts.channel AS TEXT)"
    " AND others.fingerprint = CAST(alerts.fingerprint AS TEXT)"
    " AND others.starts_at = CAST(alerts.starts_at AS TEXT) AND others.status = 'resolved')"
).label("is_over")
_HERE = _RESOLVED.where(alerts.c.channel == bindparam("of_channel")).with_for_update()


@dataclass(frozen=True)
class Remembered:
    """What `remember` found.

    Attributes:
        new: alerts that were not known in this channel, each once.
        over: episodes among them, of whatever status, of which it was known that they are over.
    """

    new: list[Alert]
    over: set[Episode]


def remember(
    connection: Connection,
    channel: str,
    seen: Sequence[Alert],
    now: float,
    *,
    message_uids: Mapping[Status, str] | None = None,
) -> Remembered:
    """Store the identities that are new in this channel.

    Args:
        connection: a write transaction.
        channel: a sink, or an action.
        seen: a webhook's alerts.
        now: seconds since the epoch.
        message_uids: by status, the message that is going to tell of what is new; None where nothing is told.
    """
    by_key = {(*alert.episode, alert.status): alert for alert in reversed(seen)}
    uids = message_uids or {}
    rows = [
        {
            "channel": channel,
            "fingerprint": fingerprint,
            "starts_at": starts_at,
            "status": status,
            "received": now,
            "message_uid": uids.get(status),
            "told": now if status in uids else None,
        }
        # In one order, or two bridges that take in the same group might wait for each other.
        for fingerprint, starts_at, status in sorted(by_key)
    ]
    if not rows:
        return Remembered([], set())
    returned = connection.execute(insert_new(connection, alerts, _KEY, (*_KEY[1:], _IS_OVER)), rows)
    new = {(row[0], row[1], row[2]): row[3] for row in returned}
    return Remembered(
        [
            by_key[key]
            for key in dict.fromkeys((*alert.episode, alert.status) for alert in seen)
            if key in new
        ],
        {key[:2] for key, over in new.items() if over},
    )


def first_left_out(connection: Connection, channel: str, group_key: str, now: float) -> bool:
    """Tell whether nobody has asked this today (UTC) for a group of which Alertmanager left out alerts."""
    row = {
        "channel": channel,
        "fingerprint": f"group:{sha256(group_key.encode()).hexdigest()}",
        "starts_at": datetime.fromtimestamp(now, UTC).date().isoformat(),
        "status": "left_out",
        "received": now,
    }
    return connection.execute(insert_new(connection, alerts, _KEY, ("status",)), row).first() is not None


def in_doubt(connection: Connection, firing: Sequence[Alert], now: float) -> dict[Episode, float]:
    """Return the episodes that were reported as resolved a moment ago, in any channel, and until when.

    Each either is resolved again until then, or goes on.
    """
    found = _episodes(connection, firing, _RECENTLY, after=now - LATE, before=now + LATE)
    return {episode: min(received, now) + LATE for episode, (_, received) in found.items()}


def come_back(
    connection: Connection, channel: str, firing: Sequence[Alert], now: float
) -> tuple[list[Alert], float]:
    """Return the alerts that fire although this channel was told that they are over, and when to say so.

    That is now, or a moment later where the news may be a late copy. The resolved identities are deleted, so
    that the next resolve is news as well.

    Args:
        connection: a write transaction.
        channel: a sink.
        firing: alerts whose identities are stored; none of them is over in the same webhook.
        now: seconds since the epoch.
    """
    found = _episodes(connection, firing, _HERE, of_channel=channel)
    if not found:
        return [], now
    ids = [identity for identity, _ in found.values()]
    for batch in batches(ids):
        connection.execute(delete(alerts).where(alerts.c.id.in_(batch)))
    back = [alert for alert in firing if alert.episode in found]
    recent = [min(received, now) for _, received in found.values() if abs(received - now) <= LATE]
    at = max((received + LATE for received in recent), default=now)
    _tell(connection, channel, back, at)
    return back, at


def move(connection: Connection, channel: str, told: Sequence[Alert], uid: str) -> None:
    """Note that another message than the one given to `remember` tells of firing alerts."""
    _change(connection, channel, told, message_uid=uid)


def keep(connection: Connection, channel: str, seen: Sequence[Alert], now: float) -> None:
    """Let firing alerts that repeat in a channel not be forgotten."""
    _tell(connection, channel, seen, now)


def due_again(
    connection: Connection, channel: str, firing: Sequence[Alert], now: float, after: float
) -> list[Alert]:
    """Return the alerts that this channel was last told of so long ago that it is to be reminded.

    None is that was resolved a moment ago, or about which a message still waits. They count as told now.

    Args:
        connection: a write transaction.
        channel: a sink.
        firing: alerts that were told before.
        now: seconds since the epoch.
        after: seconds from one telling to the next. A moment that lies further than that in the future (the
            clock stepped back) counts as long ago.
    """
    told = func.coalesce(alerts.c.told, alerts.c.received)
    waits = (
        select(messages.c.id)
        .join(topics, topics.c.message_id == messages.c.id)
        .where(topics.c.sink == channel, topics.c.topic == "alert:" + alerts.c.fingerprint)
        .where(messages.c.state == "pending")
        .exists()
    )
    over = in_doubt(connection, firing, now)
    asked = {alert.episode: alert for alert in firing if alert.episode not in over}
    found = []
    for fingerprints in batches([episode[0] for episode in asked]):
        query = (
            select(alerts.c.fingerprint, alerts.c.starts_at)
            .where(alerts.c.channel == channel, alerts.c.fingerprint.in_(fingerprints))
            .where(alerts.c.status == "firing", or_(told <= now - after, told > now + after), ~waits)
            .order_by(alerts.c.fingerprint, alerts.c.starts_at)
            # Another bridge that reminds of the same waits here, and then finds that it was told.
            .with_for_update(of=alerts)
        )
        found += [asked[key] for row in connection.execute(query) if (key := (row[0], row[1])) in asked]
    _tell(connection, channel, found, now)
    return found


def firing_message(connection: Connection, channel: str, told: Sequence[Alert]) -> str | None:
    """Return the uid of the message that told first that (the first known of) these alerts fire."""
    wanted = {alert.episode: None for alert in told}
    known: dict[Episode, str] = {}
    for fingerprints in batches([episode[0] for episode in wanted]):
        query = (
            select(alerts.c.fingerprint, alerts.c.starts_at, alerts.c.message_uid)
            .where(alerts.c.channel == channel, alerts.c.fingerprint.in_(fingerprints))
            .where(alerts.c.status == "firing", alerts.c.message_uid.is_not(None))
        )
        known |= {(row[0], row[1]): row[2] for row in connection.execute(query)}
    return next((known[episode] for episode in wanted if episode in known), None)


def _tell(connection: Connection, channel: str, told: Sequence[Alert], now: float) -> None:
    _change(connection, channel, told, told=now)


def _change(connection: Connection, channel: str, among: Sequence[Alert], **values: object) -> None:
    keys = sorted({alert.episode for alert in among})
    if keys:
        connection.execute(
            update(alerts)
            .where(alerts.c.channel == channel, alerts.c.fingerprint == bindparam("of"))
            .where(alerts.c.starts_at == bindparam("since"), alerts.c.status == "firing")
            .values(**values),
            [{"of": fingerprint, "since": starts_at} for fingerprint, starts_at in keys],
        )


def _episodes(
    connection: Connection, among: Sequence[Alert], query: Select[Any], **values: object
) -> dict[Episode, tuple[int, float]]:
    """Return id and time of the last identity of each episode that there is."""
    wanted = {alert.episode for alert in among}
    found: dict[Episode, tuple[int, float]] = {}
    for fingerprints in batches(sorted({episode[0] for episode in wanted})):
        rows = connection.execute(query, {"among": fingerprints, **values})
        found |= {(row[0], row[1]): (row[2], row[3]) for row in rows}
    return {episode: identity for episode, identity in found.items() if episode in wanted}
