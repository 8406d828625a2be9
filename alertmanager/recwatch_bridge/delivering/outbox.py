"""The outbox: every message there is, what became of it, and what is to be sent next.

    pending ──► delivered
       │  ▲
       ▼  │ (only when a person asks for it)
      dead ──► dropped (likewise)

Dead is what met a permanent error or was given up after `give_up_after`; dead_letters.py sees to it.
Functions take the connection of a transaction that the caller opened.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from recwatch_bridge.delivering.blocking import DUE, EARLIER, IN_TURN, WINDOW, blockers
from recwatch_bridge.delivering.stranded import sinks_without_worker
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.storage.schema import messages, topics

# Kept: to build a statement takes SQLAlchemy longer than to carry it out.
_ADD = insert(messages).returning(messages.c.id)
_ADD_TOPICS = insert(topics)
_WINDOW = select(messages.c.id).where(*DUE).order_by(*IN_TURN).limit(WINDOW)
_BLOCKED = exists(blockers(messages.c.id).with_only_columns(EARLIER.c.id).correlate(messages))
_NEXT = select(messages).where(messages.c.id.in_(_WINDOW), *DUE, ~_BLOCKED).order_by(*IN_TURN).limit(1)
_NEXT_LOCKED = _NEXT.with_for_update(skip_locked=True, of=messages)
_LAST_OF_WINDOW = select(messages.c.id).where(*DUE).order_by(*IN_TURN).offset(WINDOW - 1).limit(1)
_LAST_TIME = select(func.max(messages.c.next_attempt)).where(
    messages.c.sink == bindparam("of_sink"), messages.c.state == "pending"
)
_ARRIVED = (
    update(messages)
    .where(messages.c.id == bindparam("message"), messages.c.state == "pending")
    .values(state="delivered", attempts=bindparam("tries"), finished=bindparam("at"), error=None)
)
_FORGET_TOPICS = delete(topics).where(topics.c.message_id == bindparam("message"))


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
    since: float
    """When `give_up_after` began to count: when it came, was held back no longer, or was taken back from the
    dead letters."""
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


def new_uid() -> str:
    """Return a uid for a message; nobody can guess it."""
    return uuid.uuid4().hex


def enqueue(
    connection: Connection,
    notification: Notification,
    *,
    sink: str,
    kind: str,
    about: Collection[str],
    now: float,
    reply_to: str | None = None,
    uid: str | None = None,
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
        uid: from `new_uid`, where the caller needs it before; otherwise made here.
    """
    uid = uid or new_uid()
    row = connection.execute(
        _ADD,
        {
            "uid": uid,
            "sink": sink,
            "kind": kind,
            "subject": notification.subject,
            "body": notification.to_json(),
            "reply_to": reply_to,
            "state": "pending",
            "attempts": 0,
            "created": now,
            "since": now,
            "next_attempt": now,
        },
    ).scalar_one()
    told_of = [{"message_id": row, "topic": topic, "sink": sink} for topic in sorted(set(about))]
    if told_of:
        connection.execute(_ADD_TOPICS, told_of)
    return uid


def next_due(connection: Connection, sink: str, now: float, *, lock: bool = False) -> Message | None:
    """Return the message that is due longest, of those of whose topics no earlier message still waits.

    It looks at the first `WINDOW` that are due; where all of them wait for others, see `postpone_blocked`.

    Args:
        connection: a transaction.
        sink: for whom.
        now: seconds since the epoch.
        lock: keep it from others until the transaction ends, and leave out what others keep; on SQLite, which
            has one writer, it changes nothing.
    """
    query = _NEXT_LOCKED if lock else _NEXT
    row = connection.execute(query, {"of_sink": sink, "now": now}).mappings().first()
    return None if row is None else message_of(row)


def is_crowded(connection: Connection, sink: str, now: float) -> bool:
    """Tell whether so many messages are due that `next_due` has not looked at all of them."""
    return connection.scalar(_LAST_OF_WINDOW, {"of_sink": sink, "now": now}) is not None


def postpone_blocked(connection: Connection, sink: str, now: float) -> int:
    """Let the first messages that are due wait as long as those that they wait for; returns how many.

    So a storm of messages about the same few alerts is not looked through again for each that is sent.
    """
    window = _WINDOW.with_for_update(skip_locked=True)
    found = list(connection.scalars(window, {"of_sink": sink, "now": now}))
    until = blockers(messages.c.id).correlate(messages).scalar_subquery()
    later = update(messages).where(messages.c.id.in_(found), until > messages.c.next_attempt)
    return connection.execute(later.values(next_attempt=until), {"now": now}).rowcount


def next_time(connection: Connection, sink: str, now: float) -> float | None:
    """Return when the next message after `now` becomes due, or None."""
    query = select(func.min(messages.c.next_attempt)).where(
        messages.c.sink == sink, messages.c.state == "pending", messages.c.next_attempt > now
    )
    found: float | None = connection.scalar(query)
    return found


def last_time(connection: Connection, sink: str) -> float | None:
    """Return when the last of the messages that wait becomes due, or None."""
    found: float | None = connection.scalar(_LAST_TIME, {"of_sink": sink})
    return found


def hasten(connection: Connection, sink: str, now: float) -> int:
    """Make every message that waits due now, after the clock was set back; returns how many were not."""
    late = messages.c.next_attempt > now
    query = update(messages).where(messages.c.sink == sink, messages.c.state == "pending", late)
    return connection.execute(query.values(next_attempt=now)).rowcount


def mark_delivered(connection: Connection, message: Message, now: float) -> None:
    """Record that a message arrived."""
    connection.execute(_ARRIVED, {"message": message.id, "tries": message.attempts + 1, "at": now})
    # It stands in nobody's way any more. An alert that comes and goes for weeks would cost more each time.
    connection.execute(_FORGET_TOPICS, {"message": message.id})


def mark_dead(connection: Connection, message: Message, now: float, error: str) -> None:
    """Record that a message will not be tried again."""
    _put_back(connection, message, state="dead", finished=now, error=error)


def mark_failed_attempt(
    connection: Connection,
    message: Message,
    next_attempt: float,
    error: str,
    left: Sequence[str] | None = None,
) -> None:
    """Record an attempt that failed and when the next one is due; `left` are those whom it is still for."""
    values = {} if left is None else {"recipients": json.dumps(list(left))}
    _put_back(connection, message, next_attempt=next_attempt, error=error, **values)


def backlog(connection: Connection, sinks: Iterable[str]) -> dict[str, Backlog]:
    """Return, for each sink, what waits and what died; for others too, where there is such."""
    asked = list(sinks)
    others = sinks_without_worker(connection, asked)
    found: dict[str, dict[str, Any]] = {sink: {} for sink in [*asked, *others]}
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
    return {sink: Backlog(**values) for sink, values in found.items() if values or sink in asked}


def newest(
    connection: Connection, limit: int, *, sink: str | None = None, state: str | None = None
) -> list[Message]:
    """Return the newest messages, of one sink or in one state if that is asked for, oldest of them first."""
    query = select(messages).order_by(messages.c.id.desc()).limit(limit)
    if sink is not None:
        query = query.where(messages.c.sink == sink)
    if state is not None:
        query = query.where(messages.c.state == state)
    rows = connection.execute(query).mappings()
    return [message_of(row) for row in reversed(list(rows))]


def _put_back(connection: Connection, message: Message, **values: object) -> None:
    """Store an attempt that failed, unless somebody else has tried since."""
    unchanged = (messages.c.state == "pending", messages.c.attempts == message.attempts)
    query = update(messages).where(messages.c.id == message.id, *unchanged)
    connection.execute(query.values(attempts=message.attempts + 1, **values))


def message_of(row: RowMapping) -> Message:
    """Return a row of the table as a message."""
    open_ones = row["recipients"]
    return Message(**{**row, "recipients": None if open_ones is None else tuple(json.loads(open_ones))})
