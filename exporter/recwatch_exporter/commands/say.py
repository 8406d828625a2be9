"""What a command says: answers on standard output, everything else on standard error."""

import sys


def answer(text: str) -> None:
    """Write what was asked for."""
    sys.stdout.write(f"{text}\n")


def remark(text: str) -> None:
    """Write what a person may want to know besides."""
    sys.stderr.write(f"{text}\n")
