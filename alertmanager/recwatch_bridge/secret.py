"""Secrets from files. Their content appears in no message, log line, metric or page."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recwatch.errors import ConfigError


def read_secret(path: Path, key: str) -> str:
    """Read a secret: the content of a file without the white space around it.

    Args:
        path: the file.
        key: the configuration's key that names it, for the error's text.

    Raises:
        ConfigError: when it is missing, empty or has several lines.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(
            f"{key}: {path} cannot be read ({reason}): create it with the secret in it"
        ) from None
    if not secret or re.search(r"\s", secret):
        raise ConfigError(f"{key}: {path} must hold one word, the secret")
    return secret


def read_webhook_url(path: Path, key: str) -> str:
    """Read a webhook's address, which is a secret.

    Raises:
        ConfigError: when it is missing or no address; the address itself is not repeated.
    """
    url = read_secret(path, key)
    if not re.fullmatch(r"https?://[^/]+/?.*", url):
        raise ConfigError(f"{key}: {path} must hold an address that begins with https://")
    return url


@dataclass(frozen=True)
class Token:
    """A bearer token and what it is good for."""

    secret: str
    scopes: frozenset[str]


class Doorkeeper:
    """Knows the bearer tokens; several may be valid at once, so that they can be exchanged one by one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = [(token.secret.encode(), token.scopes) for token in tokens]

    def scopes(self, authorization: str | None) -> frozenset[str] | None:
        """Return what an Authorization header allows; None when it names no known token.

        Every token is compared in full, so that the time taken tells nothing.
        """
        kind, _, given = (authorization or "").partition(" ")
        presented = given.strip().encode("utf-8", "surrogateescape")
        allowed: frozenset[str] = frozenset()
        known = False
        for secret, scopes in self._tokens:
            if hmac.compare_digest(secret, presented):
                known, allowed = True, allowed | scopes
        return allowed if known and kind.lower() == "bearer" else None
