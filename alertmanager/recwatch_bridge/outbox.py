"""The outbox: every message there is, what became of it, and what is to be sent next.

    pending ──► delivered
       └──────► dead        (a permanent error, or given up after `give_up_after`)

Functions take the connection of a transaction that the caller opened.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, exists, func, insert, select, update

from recwatch_bridge.notification import Notification
from recwatch_bridge.schema import messages, topics


@dataclass(frozen=True)
class Message:
    """A row of the outbox."""

    id: int
    uid: str
    sink: str
    kind: str
    subject: str
    body: str
    reply_to: str | None
    state: str
    attempts: int
    created: float
    next_attempt: float
    finished: float | None
    error: str | None
    recipients: tuple[str, ...] | None = None
    """Who is still to get it, once some have it; None is everybody."""

    @property
    def notification(self) -> Notification:
        """What it says."""
        return Notification.from_json(self.body)


@dataclass(frozen=True)
class Backlog:
    """What waits for one sink."""

    pending: int = 0
    oldest: float | None = None
    dead: int = 0


def enqueue(
    connection: Connection,
    notification: Notification,
    *,
    sink: str,
    kind: str,
    about: Collection[str],
    now: float,
    reply_to: str | None = None,
) -> str:
    """Add a message and return its uid.

    Args:
        connection: a write transaction.
        notification: what it says.
        sink: for whom.
        kind: `alerts` or `run`.
        about: topics; messages of a sink with a common topic leave in order.
        now: seconds since the epoch.
        reply_to: uid of the message that this one answers.
    """
    uid = uuid.uuid4().hex
    row = connection.execute(
        insert(messages)
        .values(
            uid=uid,
            sink=sink,
            kind=kind,
            subject=notification.subject,
            body=notification.to_json(),
            reply_to=reply_to,
            state="pending",
            attempts=0,
            created=now,
            next_attempt=now,
        )
        .returning(messages.c.id)
    ).scalar_one()
    for topic in sorted(set(about)):
        connection.execute(insert(topics).values(message_id=row, topic=topic, sink=sink))
    return uid


def next_due(connection: Connection, sink: str, now: float) -> Message | None:
    """Return the message that is due longest, of those of whose topics no earlier message still waits."""
    own, earlier_topic = topics.alias("own"), topics.alias("earlier_topic")
    earlier = messages.alias("earlier")
    blocked = exists(
        select(earlier.c.id)
        .select_from(own)
        .join(earlier_topic, (earlier_topic.c.sink == own.c.sink) & (earlier_topic.c.topic == own.c.topic))
        .join(earlier, earlier.c.id == earlier_topic.c.message_id)
        .where(own.c.message_id == messages.c.id)
        .where(earlier_topic.c.message_id < own.c.message_id)
        .where(earlier.c.state == "pending")
    )
    query = (
        select(messages)
        .where(messages.c.sink == sink, messages.c.state == "pending", messages.c.next_attempt <= now)
        .where(~blocked)
        .order_by(messages.c.next_attempt, messages.c.id)
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _message(row)


def next_time(connection: Connection, sink: str, now: float) -> float | None:
    """Return when the next message after `now` becomes due, or None."""
    query = select(func.min(messages.c.next_attempt)).where(
        messages.c.sink == sink, messages.c.state == "pending", messages.c.next_attempt > now
    )
    found: float | None = connection.scalar(query)
    return found


def mark_delivered(connection: Connection, message: Message, now: float) -> None:
    """Record that a message arrived."""
    _finish(connection, message, state="delivered", finished=now, error=None)


def mark_dead(connection: Connection, message: Message, now: float, error: str) -> None:
    """Record that a message will not be tried again."""
    _finish(connection, message, state="dead", finished=now, error=error)


def mark_failed_attempt(
    connection: Connection,
    message: Message,
    next_attempt: float,
    error: str,
    left: Sequence[str] | None = None,
) -> None:
    """Record an attempt that failed and when the next one is due; `left` are those whom it is still for."""
    values = {} if left is None else {"recipients": json.dumps(list(left))}
    _finish(connection, message, next_attempt=next_attempt, error=error, **values)


def backlog(connection: Connection, sinks: Iterable[str]) -> dict[str, Backlog]:
    """Return, for each sink, what waits and what died."""
    found: dict[str, dict[str, Any]] = {sink: {} for sink in sinks}
    query = (
        select(messages.c.sink, messages.c.state, func.count(), func.min(messages.c.created))
        .where(messages.c.sink.in_(list(found)), messages.c.state.in_(("pending", "dead")))
        .group_by(messages.c.sink, messages.c.state)
    )
    for sink, state, count, oldest in connection.execute(query):
        values = found[sink]
        if state == "pending":
            values |= {"pending": count, "oldest": oldest}
        else:
            values["dead"] = count
    return {sink: Backlog(**values) for sink, values in found.items()}


def newest(connection: Connection, limit: int) -> list[Message]:
    """Return the newest messages, oldest of them first."""
    rows = connection.execute(select(messages).order_by(messages.c.id.desc()).limit(limit)).mappings()
    return [_message(row) for row in reversed(list(rows))]


def _finish(connection: Connection, message: Message, **values: object) -> None:
    connection.execute(
        update(messages)
        .where(messages.c.id == message.id, messages.c.state == "pending")
        .values(attempts=message.attempts + 1, **values)
    )


def _message(row: RowMapping) -> Message:
    open_ones = row["recipients"]
    return Message(**{**row, "recipients": None if open_ones is None else tuple(json.loads(open_ones))})
