"""What a command says: answers on standard output, everything else on standard error."""

import os
import sys
from contextlib import suppress

from recwatch.errors import RecwatchError

__all__ = ["CannotAnswerError", "answer", "remark"]


class CannotAnswerError(RecwatchError):
    """The answer cannot be written."""


def answer(text: str) -> None:
    """Write what was asked for.

    Raises:
        CannotAnswerError: when it does not get there: the disk is full, or the reader has gone.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except (OSError, UnicodeError) as error:
        with suppress(OSError, ValueError):
            # What is left in the buffer would fail once more when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CannotAnswerError(f"the answer cannot be written: {error}") from error


def remark(text: str) -> None:
    """Write what a person may want to know besides."""
    with suppress(OSError, UnicodeError):
        sys.stderr.write(f"{text}\n")
