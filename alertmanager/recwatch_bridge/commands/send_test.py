"""`recwatch-bridge send-test`: one message through each sink, now, and what became of it."""

import argparse
import uuid

from recwatch.errors import ConfigError
from recwatch.say import answer
from recwatch_bridge.clock import readable, wall
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.delivering.sinks.base import Delivered, Later, Never, Outcome
from recwatch_bridge.delivering.sinks.build import read_sinks
from recwatch_bridge.messages.notification import Entry, Notification
from recwatch_bridge.messages.renderer import Renderer
from recwatch_bridge.text import one_line

_LENGTH = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--sink", choices=("email", "slack"), help="through this one alone")


def run(settings: BridgeConfig, options: argparse.Namespace) -> int:
    """Send a test message; returns 0 when every sink took it, 1 when one did not.

    It goes past the outbox: nothing is stored, and nothing is tried again.

    Raises:
        ConfigError: when a secret cannot be read, or the sink is not configured.
    """
    plans = [plan for plan in read_sinks(settings.sinks) if options.sink in (None, plan.name)]
    if not plans:
        raise ConfigError(f"sinks.{options.sink}: is not configured: add it to the file")
    renderer = Renderer(templates_dir=settings.templates_dir, external_url=settings.external_url)
    failed = 0
    for plan in plans:
        outcome = plan.make(renderer).send(_test(plan.name, wall()))
        failed += not (isinstance(outcome, Delivered) and not outcome.refused)
        answer(f"{plan.name}: {told(outcome)}")
    return 1 if failed else 0


def _test(sink: str, now: float) -> Message:
    said = Notification(
        subject="[INFO] Test of recwatch-bridge",
        tone="info",
        entries=(
            Entry(
                title="This is a test",
                paragraphs=(
                    "Somebody ran `recwatch-bridge send-test`. Messages about alerts arrive like this one.",
                ),
                facts=(("Sent", readable(now)),),
            ),
        ),
    )
    return message(sink, now, said)


def message(sink: str, now: float, said: Notification) -> Message:
    """Return a message that is in no outbox.

    Args:
        sink: for whom.
        now: seconds since the epoch.
        said: what it says.
    """
    return Message(
        id=0,
        uid=uuid.uuid4().hex,
        sink=sink,
        kind="test",
        subject=said.subject,
        body=said.to_json(),
        reply_to=None,
        state="pending",
        attempts=0,
        created=now,
        next_attempt=now,
        finished=None,
        error=None,
        since=now,
    )


def told(outcome: Outcome) -> str:
    """Say what became of a message that is not tried again."""
    match outcome:
        case Delivered(refused=()):
            return "delivered"
        case Delivered(refused):
            return f"delivered, but refused for some: {one_line('; '.join(refused), _LENGTH)}"
        case Later(reason):
            return f"not delivered: {one_line(reason, _LENGTH)} (an alert would be tried again)"
        case Never(reason):
            return f"refused: {one_line(reason, _LENGTH)} (an alert would become a dead letter)"
