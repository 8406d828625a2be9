"""Log lines as text, `2025-01-15 15:30:15 | INFO | Request | user_id=12345, fallback=False`, or as JSON.

Inside a request (`recwatch.request_id`) every line carries the request's id: as text in a last field
`request_id=...`, as JSON in a key of its own. No value can end a line or look like another line or field.
"""

import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.errors import ConfigError
from recwatch.log_files import LogFile
from recwatch.log_rotation import Rotation
from recwatch.redaction import mask_passwords
from recwatch.request_id import current

__all__ = [
    "DATE_FORMAT",
    "FORMAT",
    "Event",
    "Rotation",
    "close",
    "configure",
    "event",
    "file_handler",
    "formatter",
    "json_formatter",
    "one_line",
]

FORMAT = "%(asctime)s | %(levelname)s | %(message)s"
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_OURS = "recwatch:"
# What ends a line somewhere, moves a terminal's cursor or turns the direction of what follows.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# A word, a number, a path, a time: nothing at which a reader could split. A mean may have its deviation.
_PLAIN = re.compile(r"[\w.:/@%#~*+-]+(?: ± [\w.+-]+)?")
_QUOTED = str.maketrans({'"': r"\"", "\\": r"\\"})


class Event(str):
    """A message that knows its name and its fields: one line as text, keys of their own as JSON.

    Args:
        text: the line.
        name: what happened, such as `Request`.
        fields: what is written as JSON beside the name.
    """

    __slots__ = ("fields", "name")

    name: str
    fields: Mapping[str, object]

    def __new__(cls, text: str = "", name: str = "", fields: Mapping[str, object] | None = None) -> Self:
        """Strings are made here; the defaults are for `pickle`, which sets the rest afterwards."""
        made = super().__new__(cls, text)
        made.name = name
        made.fields = fields or {}
        return made


def event(name: str, /, **fields: object) -> Event:
    r"""A message of a name and its fields, such as `Cold-start | user_id=99999, fallback=True`.

    A value that is more than letters, digits and `_ . : / @ % # ~ * + -` is quoted: `error="no such file"`;
    control characters in it are written as `\n` or `\x1b`.
    """
    pairs = ", ".join(f"{key}={_as_value(value)}" for key, value in fields.items())
    return Event(one_line(f"{name} | {pairs}" if pairs else name), name, fields)


def one_line(text: str) -> str:
    r"""A text whose control characters are written as `\n`, `\x1b` or `\u2028`, so that it stays one line."""
    return _CONTROL.sub(lambda found: _SHORT.get(found[0]) or _escape(ord(found[0])), text)


def _as_value(value: object) -> str:
    """A field's value as text, quoted where it could be taken for more than one value."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else f'"{one_line(text.translate(_QUOTED))}"'


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - a byte


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.message = mask_passwords(one_line(record.getMessage()))
        record.asctime = self.formatTime(record, self.datefmt)
        line = self.formatMessage(record)
        request_id = getattr(record, "request_id", None) or current()
        if request_id is not None:
            line += f"{',' if ' | ' in record.message else ' |'} request_id={_as_value(request_id)}"
        details = []
        if record.exc_info:
            details.append(self.formatException(record.exc_info))
        if record.stack_info:
            details.append(self.formatStack(record.stack_info))
        # A line that begins with a time begins a record; the message of an exception cannot begin one.
        below = [f"    {one_line(part)}" for detail in details for part in detail.split("\n")]
        return "\n".join([line, *map(mask_passwords, below)])


def formatter() -> logging.Formatter:
    """The format of every log line of recwatch; times are local, to the second.

    Lines of a traceback follow indented. Passwords of URLs are masked.
    """
    return _TextFormatter(FORMAT, DATE_FORMAT)


def json_formatter() -> logging.Formatter:
    """A line of JSON for each record, written by structlog; `docs/logs.md` lists the keys.

    Raises:
        ConfigError: where structlog is missing.
    """
    try:
        from recwatch import log_json  # noqa: PLC0415 - text needs no structlog
    except ModuleNotFoundError as error:
        if error.name != "structlog":
            raise
        raise ConfigError("JSON logs need structlog: pip install 'recwatch[logs]'") from error
    return log_json.formatter()


def file_handler(
    path: Path,
    *,
    json: bool = False,
    rotation: Rotation | None = None,
    on_error: Callable[[], None] | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> logging.Handler:
    """A handler that appends lines to a file, which several processes may share; its folder is made.

    Args:
        path: the file.
        json: write JSON instead of text.
        rotation: when to begin a new file and which old ones to keep; None leaves that to logrotate and the
            like, whose renamed or truncated files are noticed.
        on_error: called for each line that cannot be written, such as on a full disk; by default it is
            counted (`recwatch_dropped_writes_total{target="log"}`) and said on standard error.
        registry: where it is counted.

    Raises:
        OSError: when the file cannot be opened.
        ConfigError: when JSON is asked for without structlog.
    """
    form = json_formatter() if json else formatter()
    handler = LogFile(path, rotation=rotation, on_error=on_error, registry=registry)
    handler.setFormatter(form)
    return handler


def configure(
    name: str | None = None,
    *,
    level: int | str = "INFO",
    file: Path | str | None = None,
    console: bool = True,
    json: bool = False,
    rotation: Rotation | None = None,
    registry: CollectorRegistry = REGISTRY,
) -> logging.Logger:
    """Set up a logger; call it from a main. Calling it again replaces what the first call set up.

    Args:
        name: the logger; the root logger by default.
        level: the lowest level that is written.
        file: also append to this file; its folder is made.
        console: write to standard error.
        json: write JSON instead of text.
        rotation: of the file; None leaves it to logrotate and the like.
        registry: where lines are counted that the file does not take.

    Raises:
        OSError: when the file cannot be opened; the logger is then as it was.
        ConfigError: when JSON is asked for without structlog; likewise.
    """
    wanted: dict[str, logging.Handler] = {}
    if console:
        wanted["console"] = logging.StreamHandler()
        wanted["console"].setFormatter(json_formatter() if json else formatter())
    if file is not None:
        path = Path(file)
        wanted[str(path.resolve())] = file_handler(path, json=json, rotation=rotation, registry=registry)
    logger = logging.getLogger(name)
    close(name)
    for key, handler in wanted.items():
        handler.set_name(f"{_OURS}{key}")
        logger.addHandler(handler)
    logger.setLevel(level)
    return logger


def close(name: str | None = None) -> None:
    """Take away the handlers that `configure` gave a logger and close them; others stay."""
    logger = logging.getLogger(name)
    ours: list[Any] = [handler for handler in logger.handlers if (handler.name or "").startswith(_OURS)]
    for handler in ours:
        logger.removeHandler(handler)
        handler.close()
