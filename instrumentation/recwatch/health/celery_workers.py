"""Enough Celery workers answer. Needs Celery, by the application that is passed."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from recwatch.errors import HealthError
from recwatch.health.result import Measured
from recwatch.health.secrets import hide

__all__ = ["CeleryWorkers"]


@dataclass(frozen=True)
class CeleryWorkers:
    """Counts the workers that answer a ping.

    A ping collects answers for `wait` seconds, however soon they come: give the check a longer `timeout`.

    Args:
        app: the Celery application.
        min_workers: that must answer.
        wait: seconds to collect answers.
        socket_timeout: seconds after which a thread that waits for a Redis broker ends; longer than the
            check's own `timeout`, which decides.
    """

    app: Any = field(repr=False)
    min_workers: int = 1
    wait: float = 1.0
    socket_timeout: float = 5.0
    unit: ClassVar[str] = "workers"

    def __call__(self) -> Measured:
        """The number of workers.

        Raises:
            HealthError: when fewer answer, or the broker does not.
        """
        # A connection of its own, tried once: the application's pool would try again for a long time.
        connection = self.app.connection_for_write()
        if str(connection.transport_cls).startswith("redis"):
            # Without them a thread that waits for a broker that hangs would never end.
            options = {"socket_timeout": self.socket_timeout, "socket_connect_timeout": self.socket_timeout}
            connection = self.app.connection_for_write(transport_options=options)
        try:
            with connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=self.socket_timeout)
                answers = self.app.control.ping(timeout=self.wait, connection=connection)
        except Exception as error:  # every transport has errors of its own
            reason = hide(str(error), connection.password)
            raise HealthError(f"the broker does not answer: {reason}") from error
        names = sorted(name for answer in answers for name in answer)
        if len(names) < self.min_workers:
            found = f"{len(names)} workers answer, {self.min_workers} are asked for: start workers"
            raise HealthError(found, value=len(names))
        return Measured(len(names), ", ".join(names))
