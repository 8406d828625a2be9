"""Where the parts of the stack listen. All on loopback; every port can be changed."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from recwatch_local.errors import LocalError, PortTakenError

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """A port for each part."""

    recommender: int = 8000
    prometheus: int = 9090
    alertmanager: int = 9093
    pushgateway: int = 9091
    exporter: int = 9109
    bridge: int = 9095
    inbox: int = 8025
    smtp: int = 2525
    slack: int = 8026

    def address(self, part: str) -> str:
        """Host and port of a part, as `127.0.0.1:9090`."""
        return f"{HOST}:{getattr(self, part)}"

    def url(self, part: str) -> str:
        """Where a part answers HTTP."""
        return f"http://{self.address(part)}"

    def replace_in(self, text: str) -> str:
        """Put these ports where the text has the usual ones, as in a list of targets."""
        usual = Ports()
        # By way of names, so that a port that is another part's usual one is not replaced twice.
        for part in self.parts():
            text = text.replace(usual.address(part), f"{HOST}:<{part}>")
        for part in self.parts():
            text = text.replace(f"{HOST}:<{part}>", self.address(part))
        return text

    @classmethod
    def parts(cls) -> list[str]:
        """The names of the parts."""
        return [field.name for field in fields(cls)]


def variable(part: str) -> str:
    """The environment variable that sets a part's port, such as `RECWATCH_PROMETHEUS_PORT`."""
    return f"RECWATCH_{part.upper()}_PORT"


def ports_from(environment: Mapping[str, str]) -> Ports:
    """The usual ports, changed by variables such as `RECWATCH_PROMETHEUS_PORT=19090`.

    Raises:
        LocalError: when a variable holds no port number.
    """
    chosen = {}
    for part in Ports.parts():
        text = environment.get(variable(part))
        if text is None:
            continue
        if not text.isdecimal() or not 0 < int(text) <= 65535:  # noqa: PLR2004 - the largest port number
            raise LocalError(f"{variable(part)}={text} is no port: use a number from 1 to 65535")
        chosen[part] = int(text)
    return replace(Ports(), **chosen)


def free_ports() -> Ports:
    """Ports that nobody listens on at this moment, each different."""
    sockets = {part: socket.create_server((HOST, 0)) for part in Ports.parts()}
    try:
        return Ports(**{part: server.getsockname()[1] for part, server in sockets.items()})
    finally:
        for server in sockets.values():
            server.close()


def require_free(ports: Ports) -> None:
    """Make sure that every port can be listened on.

    Raises:
        PortTakenError: naming every part whose port is taken, and the variable that moves it.
    """
    taken = [part for part in Ports.parts() if not _is_free(getattr(ports, part))]
    if taken:
        lines = [f"  {ports.address(part)} ({part}); to move it: {variable(part)}=PORT" for part in taken]
        raise PortTakenError(
            "somebody already listens on\n" + "\n".join(lines) + "\nStop that program, or choose ports."
        )


def _is_free(port: int) -> bool:
    try:
        socket.create_server((HOST, port)).close()
    except OSError:
        return False
    return True
