"""A training's log lines: to a logger of its model's, and to a file that only this run's lines go to."""

import logging
from pathlib import Path
from urllib.parse import quote

from recwatch import logs
from recwatch.metrics import DroppedWrites

__all__ = ["REASONS", "TARGET", "RunLog"]

TARGET = "log"
REASONS = ("unwritable",)


class RunLog:
    """Writes lines to the logger `recwatch.training.<model>` and to `<folder>/<model>.log`.

    Both names are quoted as in a URL, a dot of the logger's too: `als/v2` writes `als%2Fv2.log` and nowhere
    else, and `als.v2` is no part of `als`. A file that cannot be written costs a count, never the training.

    Args:
        model: the model's name.
        folder: where the file lies; None writes to the logger alone.
        dropped: where lost lines are counted.
    """

    def __init__(self, model: str, folder: Path | str | None, dropped: DroppedWrites) -> None:
        name = quote(model, safe=" ", errors="backslashreplace")
        self._logger = logging.getLogger(f"recwatch.training.{name.replace('.', '%2E')}")
        self._file = None if folder is None else Path(folder) / f"{name}.log"
        self._dropped = dropped
        self._handler: logging.Handler | None = None

    def open(self) -> None:
        """Begin to write to the file; its folder is made."""
        if self._logger.level == logging.NOTSET:
            self._logger.setLevel(logging.INFO)
        if self._file is None:
            return
        self._dropped.expect(TARGET, *REASONS)
        try:
            self._handler = logs.file_handler(
                self._file, on_error=lambda: self._lost(f"a line of {self._file}")
            )
        except OSError as error:
            self._lost(error)

    def info(self, line: str) -> None:
        """Write a line."""
        self._write(logging.INFO, line)

    def error(self, line: str) -> None:
        """Write a line of an error."""
        self._write(logging.ERROR, line)

    def close(self) -> None:
        """Leave the file, so that another run can take it up."""
        if self._handler is not None:
            self._handler.close()
            self._handler = None

    def _write(self, level: int, line: str) -> None:
        if not self._logger.isEnabledFor(level):
            return
        # Not a handler of the logger's: another open run of the model would write its lines there as well.
        record = self._logger.makeRecord(self._logger.name, level, __file__, 0, "%s", (line,), None)
        if self._handler is not None:
            self._handler.handle(record)
        # Where nobody listens, `logging` prints errors on standard error: not those that are in the file.
        if self._handler is None or self._logger.hasHandlers():
            self._logger.handle(record)

    def _lost(self, error: object) -> None:
        self._dropped.drop(TARGET, REASONS[0], error)
