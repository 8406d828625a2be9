"""How often something may happen: failed logins of a client, requests that change something."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.requests import Request

_MOST_KEYS = 10_000
"""Of a throttle; the one that was quiet longest is forgotten."""
_IPV6_PREFIX = 64
"""One customer of a provider has as many addresses as this leaves."""


class Throttle:
    """Lets something happen so many times within a while, for each key.

    Args:
        most: how many times.
        seconds: within which time.
        clock: gives seconds that never step backwards.
    """

    def __init__(
        self, most: int, seconds: float = 60.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, key: str) -> int:
        """Count once; returns 0, or after how many seconds it may happen again where it is too much."""
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(key, deque())
            self._times.move_to_end(key)
            if len(self._times) > _MOST_KEYS:
                self._times.popitem(last=False)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) < self._most:
                times.append(now)
                return 0
            return max(1, math.ceil(times[0] + self._seconds - now))


def client_of(request: Request) -> str:
    """Name who is asking: the address, of IPv6 the network."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return host
