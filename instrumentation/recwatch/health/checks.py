"""The checks of a service: run in the background, shown as gauges, asked by probes.

health = HealthChecks()
health.add("database", Database("postgresql+psycopg://localhost/shop"))
app.add_route("/readyz", health.readyz)
"""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from recwatch.errors import ConfigError
from recwatch.exposition import forget
from recwatch.health.answers import Answer, healthz, readyz, summary
from recwatch.health.asgi import Endpoint
from recwatch.health.check import Check
from recwatch.health.result import Result
from recwatch.health.wsgi import answer_wsgi
from recwatch.lifetime import keep
from recwatch.metrics import DroppedWrites, HealthMetrics

__all__ = ["HealthChecks"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TARGET = "health"
# A fault of our own must not turn into a busy loop.
_PAUSE_SECONDS = 1.0


class HealthChecks:
    """Checks by name. They run in the background from the first probe on, or from `start()`.

    Nobody who asks waits for a check: probes and scrapes read the last result. Only before the first one a
    probe waits, for as long as the slowest timeout allows. One thread looks after all checks, and each run
    has a thread of its own, at most one a check.

    After a fork the child begins anew with its first probe or `start()`.

    Args:
        registry: where `health_check_up` and `health_check_value` are kept.
    """

    def __init__(self, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._metrics = HealthMetrics.of(registry)
        self._dropped = DroppedWrites.of(registry)
        self._dropped.expect(_TARGET, "error")
        self._checks: dict[str, Check] = {}
        self._closed = False
        self._thread: threading.Thread | None = None
        self._forked()
        keep(self, after_fork=HealthChecks._forked)

    def add(
        self,
        name: str,
        check: Callable[[], Any],
        *,
        timeout: float = 2.0,
        critical: bool = True,
        every: float = 10.0,
        unit: str | None = None,
    ) -> None:
        """Add a check.

        Args:
            name: the label `check`: a to z, 0 to 9 and _, a letter first.
            check: called in a thread, sync or async (in an event loop of its own). It returns a finite number
                (its value), a `Measured`, True or None, or raises `HealthError` or any other exception; False
                says that it failed, too.
            timeout: seconds after which it has failed. An async check is cancelled then.
            critical: whether the service is not ready while it fails.
            every: seconds between the starts of two runs.
            unit: of its value; by default what the check itself says in `unit`.

        Raises:
            ConfigError: when the name cannot be used or is taken, or a time is not above 0.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r:.80} cannot name a check: write a to z, 0 to 9 and _, a letter first")
        if name in self._checks:
            raise ConfigError(f"there is a check {name} already: choose another name")
        for what, seconds in (("timeout", timeout), ("every", every)):
            if not 0 < seconds < threading.TIMEOUT_MAX:
                raise ConfigError(f"{what} of the check {name} is {seconds}: give seconds above 0")
        unit = unit if unit is not None else getattr(check, "unit", None)
        self._checks[name] = Check(
            name,
            check,
            timeout=timeout,
            critical=critical,
            every=every,
            unit=unit,
            report=self._report,
            wake=self._awake,
        )
        self._awake()

    def start(self) -> None:
        """Begin to run the checks; again after `close` or a fork. A second call does nothing."""
        with self._lock:
            if self._thread is not None:
                return
            self._closed = False
            thread = threading.Thread(target=self._run, name="recwatch-health", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no thread can be had now; the next probe tries again
                self._dropped.drop(_TARGET, "error", error)
                return
            self._thread = thread

    def close(self) -> None:
        """Start no more runs. A probe would begin anew."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        self._awake()
        if thread is not None:
            thread.join()

    def checks(self) -> list[Check]:
        """The checks in the order in which they were added, each with its last `result`."""
        return list(self._checks.values())

    def results(self) -> dict[str, Result]:
        """What is known of each check now."""
        return {check.name: check.result for check in self.checks()}

    def pending(self, *, critical: bool = False) -> float:
        """How long to wait for first results, in seconds: 0 where all are there.

        Args:
            critical: ask for the critical checks alone.
        """
        waits = [check for check in self.checks() if check.critical or not critical]
        return max((check.timeout for check in waits if check.result.status == "unknown"), default=0.0)

    @property
    def healthz(self) -> Any:
        """Liveness, for `add_route` and as an ASGI application: the process answers; asks no check."""
        return Endpoint(self, healthz)

    @property
    def readyz(self) -> Any:
        """Readiness, likewise: 200 where every critical check passed, else 503."""
        return Endpoint(self, readyz)

    @property
    def summary(self) -> Any:
        """What is known of every check as JSON, likewise; always 200."""
        return Endpoint(self, summary)

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """A WSGI application: `/healthz`, `/readyz` and `/health`, wherever it is mounted."""
        return answer_wsgi(self, environ, start_response)

    def answer(self, kind: Callable[[list[Check]], Answer]) -> Answer:
        """The answer of one of `recwatch.health.answers`, from what is known now."""
        return kind(self.checks())

    def _run(self) -> None:
        while True:
            # Cleared before the question whether to go on: what wakes us after it is not lost.
            self._wake.clear()
            if self._closed:
                return
            now = time.monotonic()
            try:
                pause = min((check.step(now) for check in self.checks()), default=now + 60.0) - now
            except Exception as error:  # noqa: BLE001 - a fault here must not end all checks
                self._dropped.drop(_TARGET, "error", error)
                pause = _PAUSE_SECONDS
            self._wake.wait(max(pause, 0.0))

    def _awake(self) -> None:
        self._wake.set()

    def _report(self, name: str, result: Result) -> None:
        try:
            self._metrics.up.labels(name).set(result.status == "up")
            if result.value is None:
                forget(self._metrics.value, name)
            else:
                self._metrics.value.labels(name).set(result.value)
        except Exception as error:  # noqa: BLE001 - such as a full folder of several processes
            self._dropped.drop(_TARGET, "error", error)

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread = None
        for check in self.checks():
            check.reset()
