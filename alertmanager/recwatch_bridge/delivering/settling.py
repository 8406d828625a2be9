"""What follows from an attempt to deliver a message. Pure: no clock, no store."""

from dataclasses import dataclass
from typing import Literal

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.pace import Pace
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome


@dataclass(frozen=True)
class Backoff:
    """How long to wait after a failure, in seconds.

    Attributes:
        initial: after the first.
        maximum: the most.
        give_up_after: from a message's creation; then it is a dead letter.
    """

    initial: float
    maximum: float
    give_up_after: float

    def wait(self, failures: int, chance: float) -> float:
        """Return the wait after so many failures: doubled each time, spread over its upper half.

        Args:
            failures: at least 1.
            chance: from 0 to 1, so that several senders do not come back at the same moment.
        """
        full = min(self.maximum, self.initial * 2.0 ** min(failures - 1, 60))
        return full * (0.5 + 0.5 * chance)


@dataclass(frozen=True)
class Settlement:
    """What is to be stored after an attempt.

    Attributes:
        told: the outcome as it is counted.
        outcome: of the attempt; a `Later` that came too late has become a `Never`.
        at: when the attempt ended.
        next_attempt: when the message is due again, if it is.
        pace: the sink's rest from here on.
        paces: whether that is something else than before.
    """

    told: Literal["delivered", "retry", "dead"]
    outcome: Outcome
    at: float
    next_attempt: float
    pace: Pace
    paces: bool


def settle(
    message: Message,
    outcome: Outcome,
    *,
    pace: Pace,
    min_interval: float,
    backoff: Backoff,
    now: float,
    chance: float,
) -> Settlement:
    """Say what follows from an attempt.

    Args:
        message: what was sent, as it was before the attempt.
        outcome: how it went.
        pace: the sink's rest before the attempt.
        min_interval: seconds between two attempts of the sink, at least.
        backoff: how long to wait after failures.
        now: seconds since the epoch.
        chance: from 0 to 1, spreads the waits.
    """
    wait = pause = 0.0
    failures = 0
    if isinstance(outcome, Later):
        after = outcome.after or 0.0
        if outcome.whole_sink:
            failures = pace.failures + 1
            pause = max(backoff.wait(failures, chance), after)
        wait = max(backoff.wait(message.attempts + 1, chance), after, pause)
        if now + wait > message.since + backoff.give_up_after:
            outcome, pause = Never(f"given up: {outcome.reason}"), 0.0
    rest = max(pause, min_interval)
    told: Literal["delivered", "retry", "dead"]
    match outcome:
        case Delivered():
            told = "delivered"
        case Later():
            told = "retry"
        case Never():
            told = "dead"
    new = Pace(failures, now + rest, rest) if rest > 0.0 else Pace(failures)
    paces = rest > 0.0 or pace.failures != failures
    return Settlement(told, outcome, now, now + wait, new, paces)
