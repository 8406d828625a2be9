"""Messages that were given up: which they are, and what a person has done with them.

Functions take the connection of a transaction that the caller opened.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Update, select, update

from recwatch_bridge.delivering.outbox import Message, message_of
from recwatch_bridge.storage.batches import batches
from recwatch_bridge.storage.schema import messages


def dead(connection: Connection, sink: str | None = None) -> list[Message]:
    """Return the dead letters, of one sink or of all, oldest first."""
    query = select(messages).where(messages.c.state == "dead").order_by(messages.c.id)
    if sink is not None:
        query = query.where(messages.c.sink == sink)
    return [message_of(row) for row in connection.execute(query).mappings()]


def revive(
    connection: Connection, uids: Collection[str] | None, now: float, *, sink: str | None = None
) -> int:
    """Put dead letters back among those that wait, as if they had come now; returns how many.

    Wake the sinks' workers afterwards. What is no dead letter (any more) stays as it is.

    Args:
        connection: a write transaction.
        uids: which; None is all.
        now: seconds since the epoch; `give_up_after` counts from here.
        sink: only this one's; None is any.
    """
    change = update(messages).values(
        state="pending", attempts=0, since=now, next_attempt=now, finished=None, error=None
    )
    return _change(connection, change, uids, sink)


def drop(connection: Connection, uids: Collection[str] | None, *, sink: str | None = None) -> int:
    """Let dead letters rest for good; returns how many.

    They are dead letters no more, cannot be sent again and are forgotten when `retention` is over. What is no
    dead letter (any more) stays as it is.

    Args:
        connection: a write transaction.
        uids: which; None is all.
        sink: only this one's; None is any.
    """
    return _change(connection, update(messages).values(state="dropped"), uids, sink)


def _change(connection: Connection, change: Update, uids: Collection[str] | None, sink: str | None) -> int:
    change = change.where(messages.c.state == "dead")
    if sink is not None:
        change = change.where(messages.c.sink == sink)
    if uids is None:
        return connection.execute(change).rowcount
    parts = batches(sorted(set(uids)))
    return sum(connection.execute(change.where(messages.c.uid.in_(part))).rowcount for part in parts)
