"""What a Celery worker writes about a task into the result backend. Pure; nothing in it is trusted."""

import json
from dataclasses import dataclass
from typing import Any

from recwatch_bridge.retraining.result import MAX_BYTES
from recwatch_bridge.text import one_line


@dataclass(frozen=True)
class Outcome:
    """How a task ended.

    Attributes:
        result: the text of the result file, of one that returned a mapping.
        error: why it is of no use otherwise.
        traceback: of a failure, for the log.
    """

    result: bytes | None = None
    error: str | None = None
    traceback: str | None = None


def read_record(record: bytes | None) -> Outcome | None:
    """Return how a task ended; None while it has not, as far as anybody wrote.

    Args:
        record: the JSON text, or None where there is none; cut off beyond what a result may take.
    """
    if record is None:
        return None
    if len(record) > MAX_BYTES:
        return Outcome(error=f"the task's result is larger than {MAX_BYTES} bytes: leave out `pairs`")
    try:
        told = json.loads(record)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Outcome(error="the task's result is not JSON: set result_serializer to json")
    return _outcome(told, told.get("result"))


def _outcome(told: dict[str, Any], result: Any) -> Outcome | None:
    match told.get("status"):
        case "SUCCESS" if isinstance(result, dict):
            return Outcome(result=json.dumps(result).encode())
        case "SUCCESS":
            return Outcome(error="the task returned no mapping: let it return version, metrics and so on")
        case "FAILURE":
            traceback = told.get("traceback")
            lines = traceback if isinstance(traceback, str) else None
            return Outcome(error=f"the task failed{_reason(result)}", traceback=lines)
        case "REVOKED":
            return Outcome(error="the task was revoked")
    return None


def _reason(result: Any) -> str:
    """Celery writes an exception as its type and its arguments."""
    if not isinstance(result, dict) or not isinstance(result.get("exc_type"), str):
        return ""
    arguments = result.get("exc_message")
    words = [str(word) for word in arguments] if isinstance(arguments, list) else [str(arguments or "")]
    said = one_line(", ".join(words), 300)
    return f": {one_line(result['exc_type'], 100)}{f': {said}' if said else ''}"


def is_message_of(raw: bytes, run_id: str) -> bool:
    """Tell whether a message of the broker, or what it keeps of an unacknowledged one, is that of a run."""
    if run_id.encode() not in raw:
        return False
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    if isinstance(message, list) and message:
        message = message[0]
    headers = message.get("headers") if isinstance(message, dict) else None
    return isinstance(headers, dict) and headers.get("id") == run_id
