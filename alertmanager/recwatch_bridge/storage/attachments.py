"""Files that are sent with a message. Functions take the connection of a transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from recwatch_bridge.storage.schema import attachments


@dataclass(frozen=True)
class Attachment:
    """An HTML file, in UTF-8, and its name."""

    name: str
    content: bytes


def add(connection: Connection, uid: str, attachment: Attachment, now: float) -> None:
    """Keep the file of a message, until the message is forgotten."""
    row = {"message_uid": uid, "name": attachment.name, "created": now, "content": attachment.content}
    connection.execute(insert(attachments).values(row))


def load(connection: Connection, uid: str) -> Attachment | None:
    """Return the file of a message, or None."""
    query = select(attachments.c.name, attachments.c.content).where(attachments.c.message_uid == uid)
    row = connection.execute(query).first()
    return None if row is None else Attachment(row[0], bytes(row[1]))
