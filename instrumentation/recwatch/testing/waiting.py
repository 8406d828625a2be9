"""Wait for a condition instead of sleeping, and find a free port."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["free_port", "wait_until"]

Value = TypeVar("Value")
_INTERVAL_SECONDS = 0.02


def wait_until(
    predicate: Callable[[], Value], timeout: float = 10.0, *, what: str = "the condition"
) -> Value:
    """Call a predicate until it returns something true, and return that.

    Args:
        predicate: asked about fifty times a second.
        timeout: seconds.
        what: named in the error.

    Raises:
        TimeoutError: when the time is over first.
    """
    end = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() >= end:
            raise TimeoutError(f"{what} did not come about within {timeout} s; last answer: {value!r:.500}")
        time.sleep(_INTERVAL_SECONDS)
    return value


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nothing listens on now. Prefer port 0 where the server can tell its port afterwards."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
