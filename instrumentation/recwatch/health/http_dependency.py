"""A service that this one needs answers over HTTP."""

import http.client
import ssl
import time
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from recwatch.errors import ConfigError, HealthError
from recwatch.health.result import Measured
from recwatch.health.secrets import hide

__all__ = ["HttpDependency"]


@dataclass(frozen=True)
class HttpDependency:
    """Measures the seconds until the head of the answer to a GET is there; redirects are answers, too.

    The request goes straight to the host, past any proxy; the body is not read.

    Args:
        url: `http://` or `https://`; user and password in it are not sent, use `headers`.
        statuses: that pass.
        headers: to send, such as `Authorization`. No message shows them.
        socket_timeout: seconds after which a thread that waits for the host ends; longer than the check's
            own `timeout`, which decides.

    Raises:
        ConfigError: when the URL cannot be used.
    """

    url: str = field(repr=False)
    statuses: range | frozenset[int] = range(200, 400)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    socket_timeout: float = 5.0
    unit: ClassVar[str] = "seconds"

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            usable = False
        if not usable:
            raise ConfigError("the URL of an HTTP check must look like https://host:8080/healthz")

    def __call__(self) -> Measured:
        """The seconds that the answer took.

        Raises:
            HealthError: when the host does not answer, or with another status.
        """
        parts = urlsplit(self.url)
        place = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
        connection = _connect(parts.scheme, str(parts.hostname), parts.port, self.socket_timeout)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        started = time.monotonic()
        try:
            connection.request("GET", target, headers={"User-Agent": "recwatch-health", **self.headers})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            secrets = (parts.password, parts.query, *self.headers.values())
            reason = hide(str(error) or type(error).__name__, *secrets)
            raise HealthError(f"{place} does not answer: {reason}") from error
        finally:
            connection.close()
        seconds = time.monotonic() - started
        if status not in self.statuses:
            raise HealthError(f"{place} answered {status}", value=seconds)
        return Measured(seconds, f"{place} answered {status}")


def _connect(scheme: str, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=seconds)
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=ssl.create_default_context())
