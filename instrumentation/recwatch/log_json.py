"""Log lines as JSON, by structlog, for the standard library's logging and for structlog's own loggers.

Needs the extra `logs`. `recwatch.logs` is the way in; from here one takes `configure_structlog`.
"""

import json
import logging
import math
import os
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

from recwatch.extras import lacking
from recwatch.logs import Event, event
from recwatch.redaction import mask_passwords
from recwatch.request_id import current

try:
    import structlog
except ModuleNotFoundError as error:
    raise lacking(error, "recwatch[logs]") from error

__all__ = ["configure_structlog", "formatter"]

Fields = MutableMapping[str, Any]
# What other formatters leave on a record, and uvicorn's message with codes for a terminal.
_LEFT_OUT = ("message", "asctime", "color_message")


def formatter() -> logging.Formatter:
    """A formatter for any handler: one line of JSON, in ASCII, for each record."""
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ExtraAdder(),
            _in_order,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        pass_foreign_args=True,
    )


def configure_structlog() -> None:
    """Send what structlog's loggers are told to the standard library's, as `logs.configure` set them up.

    Changes structlog's configuration of the whole process: call it from a main.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            _to_event,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _to_event(_logger: Any, _method: str, fields: Fields) -> tuple[tuple[Event], dict[str, Any]]:
    """A message and the arguments of a method of `logging.Logger`."""
    name = str(fields.pop("event", ""))
    options = {key: fields.pop(key) for key in ("exc_info", "stack_info") if key in fields}
    return (event(name, **{str(key): value for key, value in fields.items()}),), options


def _in_order(_logger: Any, _method: str, found: Fields) -> Fields:
    """Keys that every line has first, then what it says; a field never takes the place of such a key."""
    record: logging.LogRecord = found.pop("_record")
    found.pop("_from_structlog")
    arguments = found.pop("positional_args", ())
    said = _event_of(record.msg, arguments)
    line: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": found.pop("event", "") if said is None else said.name,
    }
    for key in ("event", *_LEFT_OUT):
        found.pop(key, None)
    request_id = found.pop("request_id", None) or current()
    exception = {key: found.pop(key) for key in ("exc_info", "stack_info") if key in found}
    ours = {"request_id": None if request_id is None else str(request_id), "pid": os.getpid()}
    taken = {*line, *ours, "exception", "stack"}
    for key, value in {**found, **({} if said is None else said.fields)}.items():
        line[f"{key}_" if key in taken else str(key)] = value
    line |= {key: value for key, value in ours.items() if value is not None}
    if exception.get("stack_info"):
        line["stack"] = exception["stack_info"]
    if exception.get("exc_info"):
        line["exc_info"] = exception["exc_info"]
    return line


def _event_of(message: object, arguments: object) -> Event | None:
    """The event that was logged, as `info(event(...))` or as `info("%s", event(...))`."""
    if isinstance(message, Event) and not arguments:
        return message
    if message == "%s" and isinstance(arguments, tuple) and len(arguments) == 1:
        return arguments[0] if isinstance(arguments[0], Event) else None
    return None


def _masked(value: Any) -> Any:
    """A value without the passwords of URLs, however deep they stand in it."""
    if isinstance(value, str):
        return mask_passwords(value)
    if isinstance(value, dict):
        return {_masked(key): _masked(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(part) for part in value]
    return value


def _dumps(line: Mapping[str, Any], **_options: Any) -> str:
    """JSON that every reader takes: ASCII, without NaN; what JSON does not know is written as its text."""
    try:
        return json.dumps(_masked(line), default=_as_json, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps({str(key): _plain(value) for key, value in line.items()}, allow_nan=False)


def _as_json(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return _masked(sorted(value, key=repr))
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:  # a number of numpy
        return _masked(item())
    return mask_passwords(str(value))


def _plain(value: object) -> object:
    """A value that JSON knows, or its text."""
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return mask_passwords(value if isinstance(value, str) else repr(value))
