"""A training's logger, with a file of its own while the run is open."""

import logging
from pathlib import Path

from recwatch import logs
from recwatch.metrics import DroppedWrites

__all__ = ["REASONS", "TARGET", "RunLog"]

TARGET = "log"
REASONS = ("unwritable",)


class RunLog:
    """Writes lines to the logger `recwatch.training.<model>` and to `<folder>/<model>.log`.

    A file that cannot be written costs a count, never the training.

    Args:
        model: the model's name.
        folder: where the file lies; None writes to the logger alone.
        dropped: where lost lines are counted.
    """

    def __init__(self, model: str, folder: Path | str | None, dropped: DroppedWrites) -> None:
        self._logger = logging.getLogger(f"recwatch.training.{model}")
        self._file = None if folder is None else Path(folder) / f"{model}.log"
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
        else:
            self._logger.addHandler(self._handler)

    def info(self, line: str) -> None:
        """Write a line."""
        self._logger.info("%s", line)

    def error(self, line: str) -> None:
        """Write a line of an error."""
        self._logger.error("%s", line)

    def close(self) -> None:
        """Leave the file, so that another run can take it up."""
        if self._handler is not None:
            self._logger.removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    def _lost(self, error: object) -> None:
        self._dropped.drop(TARGET, REASONS[0], error)
