"""Which message a worker sends next, and how bridges that share a database keep out of each other's way.

SQLite has one bridge, and a sink one worker: what it looks at is its own. On PostgreSQL the message's row is
locked, and the transaction stays open while it is sent. A killed bridge loses the connection, and with it
the lock, so another goes on at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from recwatch_bridge.delivering import holding, outbox
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import NO_REST, Pace, pace_of
from recwatch_bridge.delivering.sinks.base import Sink
from recwatch_bridge.storage.leadership import lock_key
from recwatch_bridge.storage.store import Store
from recwatch_bridge.worker import IDLE

_TAKEN = 0.5
"""Seconds until the next look, when another bridge is at a sink that takes one message at a time."""
_SHORTEST = 0.01
_INACCURACY = 1.0
"""Seconds by which the clocks of several bridges may differ."""


@dataclass(frozen=True)
class Claim:
    """What a look into the outbox gave.

    Attributes:
        message: to be sent; None for nothing now.
        pace: the sink's.
        wait: seconds until the next look, where there is no message.
        misdated: whether messages wait for a moment that the clock has been set back from.
        crowded: whether so many messages wait for earlier ones that there may be others behind them.
        connection: the transaction that keeps the message from other bridges; the outcome belongs into it.
    """

    message: Message | None
    pace: Pace = NO_REST
    wait: float = 0.0
    misdated: bool = False
    crowded: bool = False
    connection: Connection | None = None


@contextmanager
def claim(store: Store, sink: Sink, now: float, longest: float) -> Iterator[Claim]:
    """Look for the message that is due; on PostgreSQL it is this bridge's until the block ends.

    Args:
        store: the database.
        sink: for which.
        now: seconds since the epoch.
        longest: seconds that a message waits between two attempts, at most, while its sink does not rest.
    """
    if not store.is_shared:
        with store.read() as connection:
            found = _look(connection, sink, now, longest)
        yield found
        return
    with store.write() as connection:
        if _is_taken(connection, sink):
            yield Claim(None, wait=_TAKEN)
        else:
            yield _look(connection, sink, now, longest, held=connection)


def _look(
    connection: Connection, sink: Sink, now: float, longest: float, *, held: Connection | None = None
) -> Claim:
    pace = pace_of(connection, sink.name)
    rest = pace.wait(now)
    if rest > 0.0:
        return Claim(None, pace, max(rest, _SHORTEST))
    last = outbox.last_time(connection, sink.name)
    if last is not None and last > now + max(longest, holding.LONGEST) + _INACCURACY:
        return Claim(None, pace, misdated=True)
    message = outbox.next_due(connection, sink.name, now, lock=held is not None)
    if message is not None:
        return Claim(message, pace, connection=held)
    if outbox.is_crowded(connection, sink.name, now):
        return Claim(None, pace, crowded=True)
    upcoming = outbox.next_time(connection, sink.name, now)
    return Claim(None, pace, IDLE if upcoming is None else min(max(upcoming - now, _SHORTEST), IDLE))


def _is_taken(connection: Connection, sink: Sink) -> bool:
    """Tell whether another bridge sends to a sink whose pace is limited: it is to be kept by all together."""
    if sink.min_interval <= 0.0:
        return False
    key = lock_key("pace", sink.name)
    return not connection.scalar(select(func.pg_try_advisory_xact_lock(key)))
