"""Text that came from outside, made safe to show and to hand on."""

import unicodedata


def one_line(text: str, limit: int) -> str:
    """Remove control and format characters, fold white space into blanks, cut at `limit` characters."""
    # Nearly every text is printable as it is, and this runs for every alert that is accepted.
    if not text.isprintable():
        text = "".join(
            " " if char.isspace() else char for char in text if char.isspace() or not _control(char)
        )
    return shorten(" ".join(text.split()), limit)


def paragraphs(text: str, limit: int) -> str:
    """Remove control and format characters but line breaks, and cut at `limit` characters."""
    text = text.replace("\r\n", "\n")
    if not text.replace("\n", "").isprintable():
        text = "".join(char for char in text if char == "\n" or not _control(char))
    return shorten(text.strip(), limit)


def shorten(text: str, limit: int) -> str:
    """Cut at `limit` characters, with an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _control(char: str) -> bool:
    return unicodedata.category(char).startswith("C")
