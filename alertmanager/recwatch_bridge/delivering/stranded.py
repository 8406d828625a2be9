"""Messages for sinks that the configuration names no more: nobody sends them."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from recwatch_bridge.storage.schema import messages


def sinks_without_worker(connection: Connection, known: Collection[str]) -> list[str]:
    """Return the other sinks that have messages, whatever became of these.

    Args:
        connection: a transaction.
        known: sinks that are configured.
    """
    found: list[str] = []
    last = ""
    # One step in the index a sink, however many messages there are.
    while (
        sink := connection.scalar(select(func.min(messages.c.sink)).where(messages.c.sink > last))
    ) is not None:
        if sink not in known:
            found.append(sink)
        last = sink
    return found
