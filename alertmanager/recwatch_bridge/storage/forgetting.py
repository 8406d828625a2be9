"""What may be forgotten, table by table: ids of rows that were over before a moment, and their removal.

Facts stay: there are a few of them, and they change in place.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, delete, func, select, text

from recwatch_bridge.retraining.policy import FINAL_STATES
from recwatch_bridge.storage.schema import (
    alerts,
    attachments,
    messages,
    pictures,
    reasons,
    rollbacks,
    runs,
    topics,
)

BATCH = 500
"""Most rows of a kind at once, so that webhooks need not wait for their removal."""

_last_told = func.coalesce(alerts.c.told, alerts.c.received)


def finished_messages(connection: Connection, before: float) -> Sequence[int]:
    """Return ids of messages that were delivered or dropped; those that wait or were given up stay."""
    over = messages.c.state.in_(("delivered", "dropped"))
    query = select(messages.c.id).where(over, messages.c.finished < before)
    return _some(connection, query.order_by(messages.c.id))


def forget_messages(connection: Connection, ids: Sequence[int]) -> int:
    """Delete messages, with what was attached to them; returns how many."""
    _delete(connection, topics.c.message_id, ids)
    uids = select(messages.c.uid).where(messages.c.id.in_(ids))
    connection.execute(delete(attachments).where(attachments.c.message_uid.in_(uids)))
    return _delete(connection, messages.c.id, ids)


def old_identities(connection: Connection, before: float) -> Sequence[int]:
    """Return ids of alerts that were neither new since then nor told again."""
    query = select(alerts.c.id).where(alerts.c.received < before, _last_told < before)
    return _some(connection, query.order_by(alerts.c.received))


def forget_identities(connection: Connection, ids: Sequence[int], before: float) -> int:
    """Delete identities of alerts, but for those that were told again meanwhile; returns how many."""
    return connection.execute(delete(alerts).where(alerts.c.id.in_(ids), _last_told < before)).rowcount


def old_pictures(connection: Connection, before: float) -> Sequence[str]:
    """Return names of pictures; who looks at an old message after that sees none."""
    query = select(pictures.c.name).where(pictures.c.created < before).order_by(pictures.c.created)
    return _some(connection, query)


def forget_pictures(connection: Connection, names: Sequence[str]) -> int:
    """Delete pictures; returns how many."""
    return _delete(connection, pictures.c.name, names)


def finished_runs(connection: Connection, before: float) -> Sequence[str]:
    """Return ids of runs of which nothing is left to do: neither to load the version nor to watch it."""
    query = select(runs.c.id).where(runs.c.watch.is_distinct_from("pending"))
    return _some(connection, _over(query, runs, FINAL_STATES, before))


def forget_runs(connection: Connection, ids: Sequence[str]) -> int:
    """Delete runs and their reasons; returns how many."""
    _delete(connection, reasons.c.run_id, ids)
    return _delete(connection, runs.c.id, ids)


def finished_rollbacks(connection: Connection, before: float) -> Sequence[str]:
    """Return ids of rollbacks of which nothing is left to do, and whose alert was not heard of for as long.

    An alert that goes on is rolled back once, however long it does.
    """
    known = (
        select(alerts.c.id)
        .where(alerts.c.fingerprint == rollbacks.c.fingerprint, alerts.c.starts_at == rollbacks.c.starts_at)
        .where(alerts.c.channel == "rollback")
        .exists()
    )
    query = select(rollbacks.c.id).where(~known)
    return _some(connection, _over(query, rollbacks, ("done", "declined", "failed"), before))


def forget_rollbacks(connection: Connection, ids: Sequence[str]) -> int:
    """Delete rollbacks; returns how many."""
    return _delete(connection, rollbacks.c.id, ids)


def give_back(connection: Connection) -> None:
    """Give pages that are free now back to the disk; PostgreSQL sees to that itself."""
    if connection.dialect.name != "sqlite":
        return
    free = connection.scalar(text("PRAGMA freelist_count")) or 0
    for _ in range(min(free, BATCH)):
        # Python's driver takes one step of a statement that returns no columns: a page.
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")


def _over(query: Select[Any], table: Table, states: Sequence[str], before: float) -> Select[Any]:
    return (
        query.where(table.c.state.in_(states), table.c.finished < before)
        .where(table.c.reload.is_distinct_from("pending"))
        .order_by(table.c.number)
    )


def _some(connection: Connection, query: Select[Any]) -> Sequence[Any]:
    return list(connection.scalars(query.limit(BATCH)))


def _delete(connection: Connection, column: Column[Any], values: Sequence[object]) -> int:
    return connection.execute(delete(column.table).where(column.in_(values))).rowcount
