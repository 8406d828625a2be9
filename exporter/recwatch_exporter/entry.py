"""What the installed command calls."""

import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn

from recwatch import entry

_CANNOT_TELL = 2


def main() -> NoReturn:
    """Run the command and end the process with its exit code."""
    missing = _CANNOT_TELL if "check" in sys.argv[1:] else 1
    code = entry.run("recwatch_exporter.main", "exporter", missing=missing)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    # Without the interpreter's own end: it would wait for threads whose reads hang, and libraries would tell
    # of what they leave behind.
    os._exit(code)
