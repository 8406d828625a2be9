"""Texts that come from data: of any length there, bounded here."""

import hashlib

LONGEST_NAME = 128
LONGEST_TEXT = 500
_DIGEST = 8


def bounded(value: str, longest: int = LONGEST_NAME) -> str:
    """A text of at most so many characters; two that are cut stay two, by what they end with."""
    value = value.encode("utf-8", "replace").decode("utf-8")
    if len(value) <= longest:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:_DIGEST]
    return f"{value[: longest - _DIGEST - 1]}~{digest}"
