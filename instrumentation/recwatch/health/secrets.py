"""Keep what is known to be secret out of a check's message."""

from urllib.parse import quote, unquote

__all__ = ["hide"]


def hide(text: str, *secrets: str | None) -> str:
    """Replace each secret in a text, as it is and as a URL quotes it, by `***`."""
    known = {form for secret in secrets if secret for form in _forms(secret)}
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _forms(secret: str) -> set[str]:
    """Quoted as it is and as it would be without its quotes; `/`, blank and `+` may stay as they are."""
    plain = {secret, unquote(secret)}
    return plain | {quote(form, safe=safe, errors="replace") for form in plain for safe in ("", "/", " +")}
