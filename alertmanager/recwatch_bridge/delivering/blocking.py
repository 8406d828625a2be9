"""Which messages are due, and which wait for earlier ones about the same: parts of the outbox's queries."""

from sqlalchemy import ColumnElement, Select, bindparam, func, select

from recwatch_bridge.storage.schema import messages, topics

WINDOW = 500
"""Due messages that are looked at together."""
IN_TURN = (messages.c.next_attempt, messages.c.id)
EARLIER = messages.alias("earlier")
_OWN, _OTHER = topics.alias("own"), topics.alias("other")
DUE = (
    messages.c.sink == bindparam("of_sink"),
    messages.c.state == "pending",
    messages.c.next_attempt <= bindparam("now"),
)
"""What is true of messages that may be sent, but for others that they wait for."""
_HELD_BACK = (
    (EARLIER.c.attempts == 0)
    & (EARLIER.c.next_attempt > bindparam("now"))
    & (EARLIER.c.next_attempt == EARLIER.c.since)
    & (EARLIER.c.since > EARLIER.c.created)
)
"""What `holding.hold` leaves, until the moment has come."""


def blockers(message_id: ColumnElement[int]) -> Select[tuple[float]]:
    """Select when the last of the earlier messages becomes due that a message waits for.

    Those that are held back are none of them: what comes meanwhile is about another episode, or else
    `holding.drop` says how long it waits.
    """
    return (
        select(func.max(EARLIER.c.next_attempt))
        .select_from(_OWN)
        .join(_OTHER, (_OTHER.c.sink == _OWN.c.sink) & (_OTHER.c.topic == _OWN.c.topic))
        .join(EARLIER, EARLIER.c.id == _OTHER.c.message_id)
        .where(_OWN.c.message_id == message_id, _OTHER.c.message_id < message_id)
        .where(EARLIER.c.state == "pending", ~_HELD_BACK)
    )
