"""Log lines in one format: `2025-01-15 15:30:15 | INFO | Request | user_id=12345, fallback=False`."""

import logging
from collections.abc import Callable
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

__all__ = ["DATE_FORMAT", "FORMAT", "configure", "event", "file_handler", "formatter"]

FORMAT = "%(asctime)s | %(levelname)s | %(message)s"
DATE_FORMAT = "%Y-%m-%d %H:%M:%S"
_OURS = "recwatch:"


def formatter() -> logging.Formatter:
    """The format of every log line of recwatch; times are local, to the second."""
    return logging.Formatter(FORMAT, DATE_FORMAT)


def event(name: str, /, **fields: object) -> str:
    r"""A message of a name and its fields, such as `Cold-start | user_id=99999, fallback=True`.

    Line breaks inside a field are written as `\n`, so that no value can forge a line.
    """
    pairs = ", ".join(f"{key}={value}" for key, value in fields.items())
    text = f"{name} | {pairs}" if pairs else name
    return text.replace("\r", "\\r").replace("\n", "\\n")


class _FileHandler(WatchedFileHandler):
    """Appends to a file, opens it again after an outside rotation, and reports what cannot be written."""

    def __init__(self, path: Path, on_error: Callable[[], None] | None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, encoding="utf-8")
        self._on_error = on_error

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # the base class opens a rotated file again without catching what that may raise
            self.handleError(record)

    def close(self) -> None:
        try:
            super().close()
        except OSError:  # a full disk: the lines that wait for it are lost
            if self._on_error is not None:
                self._on_error()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        if self._on_error is None:
            super().handleError(record)
        else:
            self._on_error()


def file_handler(path: Path, *, on_error: Callable[[], None] | None = None) -> logging.Handler:
    """A handler that appends lines to a file; its folder is made.

    Args:
        path: the file.
        on_error: called for each line that cannot be written, such as on a full disk; by default
            the standard library's report to standard error.

    Raises:
        OSError: when the file cannot be opened.
    """
    handler = _FileHandler(path, on_error)
    handler.setFormatter(formatter())
    return handler


def configure(
    name: str | None = None, *, level: int | str = "INFO", file: Path | None = None, console: bool = True
) -> logging.Logger:
    """Set up a logger; call it from a main. Calling it again replaces what the first call set up.

    Args:
        name: the logger; the root logger by default.
        level: the lowest level that is written.
        file: also append to this file; its folder is made.
        console: write to standard error.

    Raises:
        OSError: when the file cannot be opened.
    """
    wanted: dict[str, Any] = {}
    if console:
        wanted[f"{_OURS}console"] = logging.StreamHandler
    if file is not None:
        wanted[f"{_OURS}{file.resolve()}"] = lambda: file_handler(file)
    logger = logging.getLogger(name)
    for handler in list(logger.handlers):
        if handler.name is not None and handler.name.startswith(_OURS):
            logger.removeHandler(handler)
            handler.close()
    for key, make in wanted.items():
        handler = make()
        handler.set_name(key)
        handler.setFormatter(formatter())
        logger.addHandler(handler)
    logger.setLevel(level)
    return logger
