"""Runs and messages as the JSON API shows them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recwatch_bridge.clock import iso
from recwatch_bridge.outbox import Message
from recwatch_bridge.runs import Reason, Run


def run_view(run: Run, reasons: Sequence[Reason], folder: Path) -> dict[str, Any]:
    """Return a run as plain data; times are ISO 8601 in UTC or null."""
    return {
        "id": run.id,
        "model": run.model,
        "trigger": run.trigger,
        "reasons": [reason.text for reason in reasons if not reason.withdrawn or run.state == "withdrawn"],
        "state": run.state,
        "serving": run.serving or None,
        "version": run.version,
        "gate": run.gate,
        "reload": run.reload,
        "error": run.error,
        "created_at": iso(run.created),
        "not_before": iso(run.not_before),
        "started_at": iso(run.started),
        "finished_at": iso(run.finished),
        "log": str(folder / run.id / "trainer.log") if run.started is not None else None,
    }


def message_view(message: Message) -> dict[str, Any]:
    """Return a message as plain data, without its text; times are ISO 8601 in UTC or null."""
    return {
        "id": message.uid,
        "sink": message.sink,
        "kind": message.kind,
        "state": message.state,
        "subject": message.subject,
        "created_at": iso(message.created),
        "delivered_at": iso(message.finished) if message.state == "delivered" else None,
        "attempts": message.attempts,
        "next_attempt_at": iso(message.next_attempt) if message.state == "pending" else None,
        "error": message.error,
    }
