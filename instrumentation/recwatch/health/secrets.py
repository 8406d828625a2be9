"""Keep what is known to be secret out of a check's message."""

from urllib.parse import unquote

__all__ = ["hide"]


def hide(text: str, *secrets: str | None) -> str:
    """Replace each secret in a text, as it is and as a URL quotes it, by `***`."""
    known = {form for secret in secrets if secret for form in (secret, unquote(secret))}
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
