"""Messages leave also while webhooks never stop coming, to which a worker leaves most of the processor."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from recwatch_bridge.delivering.delivery import DeliveryWorker
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered, Outcome
from recwatch_bridge.storage.store import Store


class BesideWebhooks:
    """A sink during each of whose messages a webhook is stored."""

    name = "email"
    min_interval = 0.0

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, message: Message) -> Outcome:
        del message
        self._store.commit(lambda connection: connection.execute(text("SELECT 1")).scalar())
        return Delivered()


def test_messages_leave_while_webhooks_come(box: Any, begin: Callable[..., DeliveryWorker]) -> None:
    for number in range(20):
        box.put(str(number))
    begin(BesideWebhooks(box.store))
    assert [state for state, _, _ in box.settled()] == ["delivered"] * 20
    assert box.store.submitted == 20
