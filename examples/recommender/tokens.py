"""The bearer token of `/admin`, read from its file at every use, so that a new one needs no restart."""

import hmac
from pathlib import Path


def admin_token(file: Path | None) -> str | None:
    """The token in a file; None where there is no file or nothing in it."""
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def is_bearer(header: str | None, token: str) -> bool:
    """Whether an Authorization header carries this token; takes the same time however wrong it is."""
    scheme, _, found = (header or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(found.strip().encode(), token.encode())
