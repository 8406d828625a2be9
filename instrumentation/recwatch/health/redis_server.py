"""A Redis answers. Needs the package `redis`."""

import time

from recwatch.errors import ConfigError, HealthError
from recwatch.extras import lacking
from recwatch.health.result import Measured
from recwatch.health.secrets import hide

try:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError
    from redis.retry import Retry
except ModuleNotFoundError as error:
    raise lacking(error, "redis") from error

__all__ = ["RedisServer"]


class RedisServer:
    """Measures the seconds that a new connection and a PING take.

    Args:
        url: such as `redis://:password@host:6379/0`, `rediss://` for TLS or `unix://`.
        socket_timeout: seconds after which a thread that waits for the server ends; longer than the check's
            own `timeout`, which decides.

    Raises:
        ConfigError: when the URL cannot be used.
    """

    unit = "seconds"

    def __init__(self, url: str, *, socket_timeout: float = 5.0) -> None:
        try:
            self._client = Redis.from_url(
                url,
                socket_timeout=socket_timeout,
                socket_connect_timeout=socket_timeout,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:  # its message may show the password
            raise ConfigError(
                "the URL of a Redis check cannot be used: write one such as redis://host:6379/0"
            ) from None
        self._password = self._client.connection_pool.connection_kwargs.get("password")

    def __call__(self) -> Measured:
        """The seconds that it took.

        Raises:
            HealthError: when the server does not answer or refuses the password.
        """
        started = time.monotonic()
        try:
            self._client.ping()
        except (RedisError, OSError) as error:
            raise HealthError(f"{type(error).__name__}: {hide(str(error), self._password)}") from error
        finally:
            # A connection that is kept would hide that no new one can be had.
            self._client.connection_pool.disconnect()
        return Measured(time.monotonic() - started)
