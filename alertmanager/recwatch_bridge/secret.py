"""Secrets from files. Their content appears in no message, log line, metric or page."""

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from recwatch.errors import ConfigError
from recwatch_bridge.config.values import is_http_url


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


def check_secrets(settings: BaseModel) -> None:
    """See whether every file of a secret that a configuration names can be read.

    Raises:
        ConfigError: with a line for each that cannot.
    """
    wrong = []
    for key, path in _secret_files(settings, ""):
        try:
            read_secret(path, key)
        except ConfigError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError("\n".join(wrong))


def _secret_files(value: object, key: str) -> Iterator[tuple[str, Path]]:
    """Find the keys that end in `file`, without those whose files hold no secret."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secret_files(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, tuple | list):
        for number, inner in enumerate(value):
            yield from _secret_files(inner, f"{key}.{number}")
    elif isinstance(value, Path) and key.endswith("file") and not key.endswith("ca_file"):
        yield key, value


def read_webhook_url(path: Path, key: str) -> str:
    """Read a webhook's address, which is a secret.

    Raises:
        ConfigError: when it is missing or no address; the address itself is not repeated.
    """
    url = read_secret(path, key)
    if not is_http_url(url):
        raise ConfigError(
            f"{key}: {path} must hold a webhook's address, such as https://hooks.slack.com/services/..."
        )
    return url


@dataclass(frozen=True)
class Token:
    """A bearer token, what it is good for, and a name for whoever holds it."""

    secret: str
    scopes: frozenset[str]
    name: str = ""

    @property
    def key_id(self) -> str:
        """Names the token without telling it: the same after a restart and in every bridge that has it."""
        return self.derive("key id").hex()[:16]

    def derive(self, purpose: str) -> bytes:
        """Make a key of the secret, 32 bytes, from which neither the secret nor another key can be learnt."""
        return hmac.digest(self.secret.encode(), f"recwatch-bridge {purpose}".encode(), "sha256")


class Doorkeeper:
    """Knows the bearer tokens; several may be valid at once, so that they can be exchanged one by one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = _merged(tokens)
        self._by_id = {token.key_id: token for token in self._tokens}

    def holder(self, authorization: str | None) -> Token | None:
        """Return the token that an Authorization header names; None when it names no known one."""
        kind, _, given = (authorization or "").partition(" ")
        # A server reads headers as Latin-1: that gives their bytes back.
        found = self._find(given.strip().encode("latin-1", "surrogateescape"))
        return found if kind.lower() == "bearer" else None

    def holder_of(self, secret: str) -> Token | None:
        """Return the token that somebody typed; None when there is no such one."""
        return self._find(secret.strip().encode("utf-8", "surrogatepass"))

    def by_id(self, key_id: str) -> Token | None:
        """Return the token with this `key_id`, unless it was removed."""
        return self._by_id.get(key_id)

    def _find(self, presented: bytes) -> Token | None:
        # Every token is compared in full, so that the time taken tells nothing.
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.secret.encode(), presented):
                found = token
        return found


def _merged(tokens: Sequence[Token]) -> list[Token]:
    """One token a secret: what is listed twice may do both."""
    merged: dict[str, Token] = {}
    for token in tokens:
        before = merged.get(token.secret)
        name = (before and before.name) or token.name
        scopes = token.scopes if before is None else before.scopes | token.scopes
        merged[token.secret] = Token(token.secret, scopes, name)
    return list(merged.values())
