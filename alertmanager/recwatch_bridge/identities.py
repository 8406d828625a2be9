"""Which alerts were seen: an identity is `(channel, fingerprint, startsAt, status)`, a unique constraint."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, select, update

from recwatch_bridge.payload import Alert, Status
from recwatch_bridge.schema import alerts

LATE = 300.0
"""Seconds by which the copy of a message may come after a newer one."""


def remember(connection: Connection, channel: str, seen: Iterable[Alert], now: float) -> list[Alert]:
    """Store the identities that are new in this channel and return their alerts, each once."""
    new = []
    for alert in seen:
        if _find(connection, channel, alert.episode, alert.status) is None:
            connection.execute(
                insert(alerts).values(
                    channel=channel,
                    fingerprint=alert.fingerprint,
                    starts_at=alert.episode[1],
                    status=alert.status,
                    received=now,
                )
            )
            new.append(alert)
    return new


def was_just_resolved(connection: Connection, alert: Alert, now: float) -> bool:
    """Tell whether the alert's episode was reported as resolved a moment ago, in any channel.

    A firing of it is then a late copy, such as of the other Alertmanager of a pair. After that moment it is
    news again: Alertmanager resolves an alert when Prometheus is away too long, and it comes back as it was.
    """
    query = (
        select(alerts.c.id)
        .where(alerts.c.fingerprint == alert.fingerprint, alerts.c.starts_at == alert.episode[1])
        .where(alerts.c.status == "resolved", alerts.c.received > now - LATE)
    )
    return connection.execute(query.limit(1)).first() is not None


def tell_by(connection: Connection, channel: str, told: Sequence[Alert], message_uid: str) -> None:
    """Record which message tells of these alerts."""
    for alert in told:
        connection.execute(
            update(alerts)
            .where(alerts.c.channel == channel, alerts.c.fingerprint == alert.fingerprint)
            .where(alerts.c.starts_at == alert.episode[1], alerts.c.status == alert.status)
            .values(message_uid=message_uid)
        )


def firing_message(connection: Connection, channel: str, resolved: Sequence[Alert]) -> str | None:
    """Return the uid of the message that told that (the first known of) these alerts fired."""
    for alert in resolved:
        row = _find(connection, channel, alert.episode, "firing")
        if row is not None and row[1] is not None:
            return str(row[1])
    return None


def _find(
    connection: Connection, channel: str, episode: tuple[str, str], status: Status
) -> tuple[int, str | None] | None:
    query = (
        select(alerts.c.id, alerts.c.message_uid)
        .where(alerts.c.channel == channel, alerts.c.fingerprint == episode[0])
        .where(alerts.c.starts_at == episode[1], alerts.c.status == status)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1])
