"""An end for what never ends: a server that sends a byte now and then lets no single wait time out."""

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)
"""On, with 0 seconds to linger."""


class Deadline:
    """Cuts the connections that were opened within its block when it has lasted too long.

        with Deadline(60.0) as deadline:
            deadline.watch(connection)

    Args:
        seconds: how long the block may last.
    """

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._watched: list[socket.socket] = []
        self._over = False

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too, whatever is wrapped around it later (TLS)."""
        with self._lock:
            self._watched.append(connection.dup())
            over = self._over
        if over:
            self._cut()

    @property
    def connected(self) -> bool:
        """Whether any connection was opened within the block; to be asked within it."""
        return bool(self._watched)

    @property
    def over(self) -> bool:
        """Whether the block lasted too long: what was read in it may have been cut."""
        return self._over

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            for connection in self._watched:
                with suppress(OSError):
                    # Closed by a reset: a server with more to say than anybody reads would not notice an end.
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    connection.shutdown(socket.SHUT_RDWR)
