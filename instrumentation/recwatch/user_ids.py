"""How a record names its user: as the service does, by a keyed hash, or not at all.

A hash without a key would hide nothing: whoever knows the user ids hashes them all and compares.
"""

import hmac
from pathlib import Path
from typing import Literal, get_args

from recwatch.errors import ConfigError

__all__ = ["Mode", "UserIds"]

Mode = Literal["plain", "hashed", "omitted"]

# The length of SHA-256's output: a shorter key weakens the hash (RFC 2104, section 3).
_SHORTEST_KEY = 32
_REMEDY = "make one with `openssl rand -hex 32`, readable by the service alone"


class UserIds:
    """Turns a user id into what may be kept: `UserIds("hashed", key_file)(12345)`.

    Hashed is HMAC-SHA256 (RFC 2104) of the id's text: 64 hexadecimal digits, the same in every process with
    the same key, and the same for `12345` and `"12345"`. Who loses the key can no longer say which hash is
    whose; with a new key a user becomes another one.

    Args:
        mode: `plain` keeps the id, `hashed` hashes it, `omitted` leaves it out.
        key_file: a file that holds the key, for `hashed` alone: at least 32 bytes, line ends after it are not
            part of it. It is read once.

    Raises:
        ConfigError: when the mode is unknown, or the key is missing, empty, too short or not asked for.
    """

    def __init__(self, mode: Mode = "plain", key_file: Path | str | None = None) -> None:
        if mode not in get_args(Mode):
            raise ConfigError(f"user_ids is {mode!r}: choose one of {', '.join(get_args(Mode))}")
        if mode != "hashed" and key_file is not None:
            raise ConfigError(f"user_ids is {mode!r} and needs no key: leave key_file out, or choose hashed")
        self.mode = mode
        self._key = _read_key(key_file) if mode == "hashed" else b""

    def __call__(self, user_id: int | str | None) -> int | str | None:
        """What to keep of a user id; None for nobody, and for everybody where ids are omitted."""
        if user_id is None or self.mode == "omitted":
            return None
        if self.mode == "plain":
            return user_id
        # A lone surrogate, as `json.loads` may return it, is no UTF-8 but a text all the same.
        return hmac.digest(self._key, str(user_id).encode("utf-8", "surrogatepass"), "sha256").hex()


def _read_key(key_file: Path | str | None) -> bytes:
    if key_file is None:
        raise ConfigError(f"user_ids is 'hashed' without a key: name a file as key_file; {_REMEDY}")
    try:
        key = Path(key_file).read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ConfigError(f"{key_file}: the key cannot be read ({error.strerror}): {_REMEDY}") from error
    if len(key) < _SHORTEST_KEY:
        found = f"has {len(key)} bytes" if key else "is empty"
        raise ConfigError(f"{key_file}: the key {found}, it needs at least {_SHORTEST_KEY}: {_REMEDY}")
    return key
