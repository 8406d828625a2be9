"""Logins: a token becomes a signed cookie, so that the token itself is sent once.

The cookie is signed with a key made of the token's secret: a token that is removed from bridge.yml ends its
sessions, and bridges that know the same tokens know each other's sessions. Its scopes are those that the
token has now. A logout is a fact in the store until the session would have been over anyway.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, TimestampSigner
from sqlalchemy import Connection, delete

from recwatch_bridge.clock import Clock
from recwatch_bridge.secret import Doorkeeper, Token
from recwatch_bridge.storage import facts
from recwatch_bridge.storage.schema import facts as table

LIFETIME = 12 * 3600
"""Seconds from login to the end of a session."""
_SKEW = 60
"""Seconds that the clocks of two bridges may differ by."""
_MOST_CHARACTERS = 200
_LOGOUT = "logout:"


@dataclass(frozen=True)
class Session:
    """Somebody who is logged in."""

    token: Token
    nonce: str

    @property
    def csrf(self) -> str:
        """What a form must carry, so that no other site can send it."""
        return hmac.digest(self.token.derive("csrf"), self.nonce.encode(), "sha256").hex()

    def allows(self, csrf: str | None) -> bool:
        """Tell whether a form carried this session's `csrf`."""
        return hmac.compare_digest(self.csrf.encode(), (csrf or "").encode("utf-8", "surrogatepass"))


class Sessions:
    """Writes and reads cookies.

    Args:
        doorkeeper: knows the tokens.
        clock: gives now.
    """

    def __init__(self, doorkeeper: Doorkeeper, clock: Clock) -> None:
        self._doorkeeper = doorkeeper
        self._clock = clock

    def open(self, token: Token) -> str:
        """Return the cookie of a new session."""
        return self._signer(token).sign(f"{token.key_id}.{secrets.token_hex(16)}").decode()

    def read(self, cookie: str | None) -> Session | None:
        """Return the session that a cookie stands for; None when it is forged, over, or its token is gone."""
        key_id, _, _ = (cookie or "").partition(".")
        token = self._doorkeeper.by_id(key_id)
        if cookie is None or token is None or len(cookie) > _MOST_CHARACTERS or not cookie.isascii():
            return None
        try:
            value, signed = self._signer(token).unsign(cookie, return_timestamp=True)
        except BadSignature:
            return None
        age = self._clock() - signed.timestamp()
        if not -_SKEW <= age <= LIFETIME:
            return None
        return Session(token, value.decode().partition(".")[2])

    def _signer(self, token: Token) -> TimestampSigner:
        return _Signer(token.derive("session"), self._clock)


class _Signer(TimestampSigner):
    def __init__(self, key: bytes, clock: Clock) -> None:
        super().__init__(
            key, salt=b"recwatch-bridge session", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock())


def end(connection: Connection, session: Session, now: float) -> None:
    """Remember that somebody logged out, and forget logouts of sessions that are over anyway."""
    over = table.c.name.startswith(_LOGOUT, autoescape=True) & (table.c.at < now - LIFETIME - _SKEW)
    connection.execute(delete(table).where(over))
    facts.put(connection, _LOGOUT + session.nonce, facts.Fact(now))


def is_over(connection: Connection, session: Session) -> bool:
    """Tell whether somebody logged out of this session."""
    return facts.get(connection, _LOGOUT + session.nonce) is not None
