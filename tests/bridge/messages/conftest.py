"""Rows of the outbox, as sinks are handed them."""

from collections.abc import Callable
from typing import Any

import pytest

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.notification import Notification

MakeMessage = Callable[..., Message]


@pytest.fixture
def message() -> MakeMessage:
    """Builds the row of a notification."""

    def build(said: Notification, **values: Any) -> Message:
        row = {
            "id": 1,
            "uid": "u1",
            "sink": "email",
            "kind": "alerts",
            "subject": said.subject,
            "body": said.to_json(),
            "reply_to": None,
            "state": "pending",
            "attempts": 0,
            "created": 1_800_000_000.0,
            "since": 1_800_000_000.0,
            "next_attempt": 1_800_000_000.0,
            "finished": None,
            "error": None,
        }
        return Message(**{**row, **values})

    return build
