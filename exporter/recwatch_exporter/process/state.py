"""The last thing that each check said: written by runs, read by scrapes."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from recwatch_exporter.config import Check
from recwatch_exporter.errors import REASONS
from recwatch_exporter.results import CheckResult

_NO_FAILURES: Mapping[str, int] = dict.fromkeys(REASONS, 0)


@dataclass(frozen=True, kw_only=True)
class CheckState:
    """One check; never changed, only replaced, so that a scrape sees values that belong together.

    Attributes:
        check: its configuration.
        result: of the last run that succeeded.
        success: whether the last run did; None before the first one.
        error: what the last run failed with.
        last_success: Unix time of the last success; 0 before the first.
        duration: seconds that the last run took.
        failures: how many runs failed, by reason.
    """

    check: Check
    result: CheckResult | None = None
    success: bool | None = None
    error: str | None = None
    last_success: float = 0.0
    duration: float | None = None
    failures: Mapping[str, int] = field(default_factory=lambda: _NO_FAILURES)


class State:
    """All checks, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, CheckState] = {}

    def configure(self, checks: Iterable[Check]) -> list[str]:
        """Take the checks of a new configuration: kept by name, the others forgotten.

        Returns:
            The names of checks that are new or changed.
        """
        with self._lock:
            before = self._checks
            self._checks = {
                check.name: replace(before[check.name], check=check)
                if check.name in before
                else CheckState(check=check)
                for check in checks
            }
            return [
                name
                for name, state in self._checks.items()
                if name not in before or before[name].check != state.check
            ]

    def get(self, name: str) -> CheckState | None:
        """One check; None when there is none of that name."""
        with self._lock:
            return self._checks.get(name)

    def all(self) -> tuple[CheckState, ...]:
        """Every check, in the order of the configuration."""
        with self._lock:
            return tuple(self._checks.values())

    def succeeded(self, check: Check, result: CheckResult, *, at: float, duration: float) -> None:
        """Keep what a run found, unless the configuration has changed since it started."""
        with self._lock:
            state = self._checks.get(check.name)
            if state is not None and state.check == check:
                self._checks[check.name] = replace(
                    state, result=result, success=True, error=None, last_success=at, duration=duration
                )

    def failed(self, check: Check, reason: str, error: str, *, duration: float) -> None:
        """Count a failure; the last result stays."""
        with self._lock:
            state = self._checks.get(check.name)
            if state is not None and state.check == check:
                failures = {**state.failures, reason: state.failures[reason] + 1}
                self._checks[check.name] = replace(
                    state, success=False, error=error, duration=duration, failures=failures
                )
