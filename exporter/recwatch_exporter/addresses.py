"""Where to listen, as Prometheus's own programs write it: `127.0.0.1:9109`, `:9109`, `[::1]:9109`."""

import re
from typing import NamedTuple

_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]*)):(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535


class Address(NamedTuple):
    """A host and a port; port 0 takes any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: object) -> Address:
    """Read `host:port`.

    Raises:
        ValueError: when the text is not one.
    """
    if isinstance(text, Address):
        return text
    match = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match["port"]) > _LAST_PORT:
        raise ValueError(
            "is not an address: write host:port, such as 127.0.0.1:9109, or :9109 for every interface"
        )
    return Address(match["v6"] or match["host"] or "0.0.0.0", int(match["port"]))  # noqa: S104 - asked for by `:9109`
