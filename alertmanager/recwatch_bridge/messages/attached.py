"""The files that go with messages, as the database keeps them."""

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.storage import attachments
from recwatch_bridge.storage.attachments import Attachment
from recwatch_bridge.storage.store import Store


class KeptAttachments:
    """Finds a message's file.

    Args:
        store: the database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, message: Message) -> Attachment | None:
        """Return the file of a message, or None where there is none."""
        with self._store.read() as connection:
            return attachments.load(connection, message.uid)
