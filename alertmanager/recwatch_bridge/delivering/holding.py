"""Messages that are held back for a moment, because what they tell may be over already.

Such a message holds up none about another episode of its alerts (see `blocking`). Functions take the
connection of a transaction that the caller opened.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from recwatch_bridge.storage.batches import batches
from recwatch_bridge.storage.schema import messages, topics

LONGEST = 60.0
"""Seconds that a message is held back, at most."""

_PREFIX = "held:"

_LATER = update(messages).where(messages.c.uid == bindparam("of")).values(next_attempt=bindparam("until"))
_HOLD = _LATER.values(since=bindparam("until"))
_ID = select(messages.c.id).where(messages.c.uid == bindparam("of"))
_UNTRIED = (messages.c.state == "pending", messages.c.attempts == 0)

Episode = tuple[str, str]
"""An alert's fingerprint and its start, ISO 8601 in UTC."""


@dataclass(frozen=True)
class Dropped:
    """What `drop` did.

    Attributes:
        episodes: of which no message tells any more.
        until: when the last of the messages is due that stay, as others of their alerts go on; None where
            none does. What tells that the rest is over is to wait for it.
    """

    episodes: frozenset[Episode] = frozenset()
    until: float | None = None


def hold(connection: Connection, uid: str, sink: str, episodes: Collection[Episode], until: float) -> None:
    """Let a message that was just added wait until a moment, unless `drop` takes it back before."""
    connection.execute(_HOLD, {"of": uid, "until": until})
    message_id = connection.execute(_ID, {"of": uid}).scalar_one()
    rows = [{"message_id": message_id, "topic": topic, "sink": sink} for topic in sorted(_by_topic(episodes))]
    connection.execute(insert(topics), rows)


def postpone(connection: Connection, uid: str, until: float) -> None:
    """Let a message that was just added wait until a moment; what comes later about its alerts waits too."""
    connection.execute(_LATER, {"of": uid, "until": until})


def drop(connection: Connection, sink: str, over: Collection[Episode], now: float) -> Dropped:
    """Delete the messages that are held back and of whose episodes all are over.

    Args:
        connection: a write transaction.
        sink: for whom.
        over: the episodes that are over.
        now: seconds since the epoch.
    """
    wanted = _by_topic(over)
    found: dict[int, float] = {}
    for some in batches(sorted(wanted)):
        query = (
            select(topics.c.message_id, messages.c.next_attempt)
            .join(messages, messages.c.id == topics.c.message_id)
            .where(topics.c.sink == sink, topics.c.topic.in_(some))
            .where(*_UNTRIED, messages.c.next_attempt > now)
        )
        found |= {row[0]: row[1] for row in connection.execute(query)}
    if not found:
        return Dropped()
    theirs = _held_topics(connection, found)
    over_whole = [message_id for message_id, held in theirs.items() if held <= wanted.keys()]
    gone = _delete(connection, over_whole)
    return Dropped(
        frozenset(wanted[topic] for message_id in gone for topic in theirs[message_id]),
        max((due for message_id, due in found.items() if message_id not in gone), default=None),
    )


def _held_topics(connection: Connection, ids: Collection[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for some in batches(sorted(ids)):
        query = select(topics.c.message_id, topics.c.topic).where(topics.c.message_id.in_(some))
        for message_id, topic in connection.execute(
            query.where(topics.c.topic.startswith(_PREFIX, autoescape=True))
        ):
            found[message_id].add(topic)
    return found


def _delete(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Delete messages, but for those that another bridge is about to send; returns which."""
    gone: set[int] = set()
    for some in batches(ids):
        query = select(messages.c.id).where(messages.c.id.in_(some), *_UNTRIED)
        free = list(connection.scalars(query.with_for_update(skip_locked=True)))
        connection.execute(delete(topics).where(topics.c.message_id.in_(free)))
        connection.execute(delete(messages).where(messages.c.id.in_(free)))
        gone |= set(free)
    return gone


def _by_topic(episodes: Collection[Episode]) -> dict[str, Episode]:
    # As short as that, the longest fingerprint fits into the column.
    return {f"{_PREFIX}{episode[1].removesuffix('+00:00')} {episode[0]}": episode for episode in episodes}
