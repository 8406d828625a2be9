"""What every sink does: one attempt to deliver one message, and an honest word about how it went."""

from dataclasses import dataclass
from typing import Protocol

from recwatch_bridge.delivering.outbox import Message


@dataclass(frozen=True)
class Delivered:
    """It arrived.

    Attributes:
        refused: who will never get it, each as `address: what the server said`.
    """

    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Later:
    """It did not arrive, and may arrive later.

    Attributes:
        reason: for the log and the API; holds no secret.
        after: seconds that the sink asked to wait, None where it named none.
        whole_sink: whether every message would have failed (no connection), not this one alone.
        left: who is still to get it, where others have it now; None changes nothing.
        refused: who will never get it, as in `Delivered`; told once.
    """

    reason: str
    after: float | None = None
    whole_sink: bool = True
    left: tuple[str, ...] | None = None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Never:
    """It will not arrive however often it is tried."""

    reason: str


Outcome = Delivered | Later | Never


class Sink(Protocol):
    """Delivers messages, one at a time, from one thread."""

    name: str
    min_interval: float
    """Seconds between two attempts, at least."""

    def send(self, message: Message) -> Outcome:
        """Try once; returns within the sink's timeout and raises nothing that it can foresee."""
