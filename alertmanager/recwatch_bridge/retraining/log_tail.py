"""The end of a trainer's log, made fit to be shown."""

import os
import re
from pathlib import Path

from recwatch_bridge.text import paragraphs

MAX_BYTES = 65_536
"""Most bytes of a log that are read, however long its lines are."""
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -Z\\^-~])")
"""What a terminal obeys: colours, movements and titles (ECMA-48)."""


def log_tail(path: Path, lines: int) -> str:
    """Return a log's last lines without control characters; empty where there is none.

    Of a line that a progress bar wrote over and over, the last state is shown. A line that begins before what
    is read is cut.

    Args:
        path: the log, which may be missing and may grow meanwhile.
        lines: how many, at most.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_BYTES))
            text = file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    shown = [_last_state(line) for line in _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")]
    if shown and not shown[-1]:
        shown.pop()
    return paragraphs("\n".join(shown[-lines:]), MAX_BYTES)


def _last_state(line: str) -> str:
    """Return what a terminal would show of a line whose beginning was written over."""
    return line.rstrip("\r").rpartition("\r")[2].expandtabs()
