"""The last thing that each check said, and how its figures went: written by runs, read by scrapes."""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from recwatch_exporter.config import Check
from recwatch_exporter.errors import REASONS
from recwatch_exporter.results import CheckResult

LONGEST_HISTORY = 200
"""How many points of a finding's history are kept."""

_CHANGING_NOTHING = {"models", "schedule", "timeout", "memory"}
"""The keys of a check that do not decide what it finds."""

_NO_FAILURES: Mapping[str, int] = dict.fromkeys(REASONS, 0)

Key = tuple[str, str]
"""Which finding of a check: feature and segment."""


@dataclass(frozen=True, slots=True)
class Point:
    """One finding at one time.

    Attributes:
        at: Unix time of the run.
        statistic: None where it was not defined; so are the next two.
        effect_size: what was held against the threshold.
        p_value: None as well where the type has none.
        detected: whether it was drift.
    """

    at: float
    statistic: float | None
    effect_size: float | None
    p_value: float | None
    detected: bool


History = Mapping[Key, tuple[Point, ...]]
"""The points of a check's findings, oldest first."""


@dataclass(frozen=True, kw_only=True)
class CheckState:
    """One check; never changed, only replaced, so that a scrape sees values that belong together.

    Attributes:
        check: its configuration.
        result: of the last run that succeeded, wholly or for some features.
        success: whether the last run did; None before the first one.
        error: what the last run failed with.
        last_success: Unix time of the last success; 0 before the first.
        last_result: Unix time of `result`: later than `last_success` where some features failed; 0 likewise.
        duration: seconds that the last run took.
        failures: how many runs failed, by reason.
        made_with: a digest of the configuration that `result` was made with; empty without one.
    """

    check: Check
    result: CheckResult | None = None
    success: bool | None = None
    error: str | None = None
    last_success: float = 0.0
    last_result: float = 0.0
    duration: float | None = None
    failures: Mapping[str, int] = field(default_factory=lambda: _NO_FAILURES)
    made_with: str = ""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of a check while the exporter is down; as in `CheckState`, but for the type's name."""

    type: str
    made_with: str
    result: CheckResult | None
    success: bool | None
    error: str | None
    last_success: float
    last_result: float
    duration: float | None
    history: History


class State:
    """All checks, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: dict[str, CheckState] = {}
        self._histories: dict[str, dict[Key, deque[Point]]] = {}

    def configure(self, checks: Iterable[Check]) -> list[str]:
        """Take the checks of a new configuration: kept by name, the others forgotten.

        A check whose type has changed begins anew.

        Returns:
            The names of checks that are new or changed.
        """
        with self._lock:
            before = self._checks
            self._checks = {check.name: _taken_over(before.get(check.name), check) for check in checks}
            self._histories = {
                name: self._histories.get(name, {}) if _same_type(before.get(name), state.check) else {}
                for name, state in self._checks.items()
            }
            return [
                name
                for name, state in self._checks.items()
                if name not in before or before[name].check != state.check
            ]

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Take what checks said before the exporter was down, for those that have said nothing yet.

        Where the configuration has changed since, only the history is taken: what was found is no answer.
        """
        with self._lock:
            for name, state in self._checks.items():
                item = kept.get(name)
                if item is None or item.type != state.check.type or state.success is not None:
                    continue
                self._histories[name] = {
                    key: deque(points, maxlen=LONGEST_HISTORY) for key, points in item.history.items()
                }
                if item.made_with != _deciding(state.check):
                    continue
                self._checks[name] = replace(
                    state,
                    made_with=item.made_with,
                    result=item.result,
                    success=item.success,
                    error=item.error,
                    last_success=item.last_success,
                    last_result=item.last_result,
                    duration=item.duration,
                )

    def kept(self, name: str) -> Kept | None:
        """What is to be kept of a check; None when there is none of that name."""
        with self._lock:
            state = self._checks.get(name)
            if state is None:
                return None
            return Kept(
                type=state.check.type,
                made_with=state.made_with if state.result is not None else _deciding(state.check),
                result=state.result,
                success=state.success,
                error=state.error,
                last_success=state.last_success,
                last_result=state.last_result,
                duration=state.duration,
                history={key: tuple(points) for key, points in self._histories.get(name, {}).items()},
            )

    def get(self, name: str) -> CheckState | None:
        """One check; None when there is none of that name."""
        with self._lock:
            return self._checks.get(name)

    def all(self) -> tuple[CheckState, ...]:
        """Every check, in the order of the configuration."""
        with self._lock:
            return tuple(self._checks.values())

    def history(self, name: str) -> History:
        """How the figures of a check's findings went: at most 200 points each, oldest first.

        Only findings that the last result has; empty for a check that there is not.
        """
        with self._lock:
            return {key: tuple(points) for key, points in self._histories.get(name, {}).items()}

    def succeeded(self, check: Check, result: CheckResult, *, at: float, duration: float) -> bool:
        """Keep what a run found, unless the configuration has changed since it started.

        Where some features failed (`result.failure`), the rest is kept and the failure counted.

        Returns:
            Whether it was kept.
        """
        with self._lock:
            state = self._checks.get(check.name)
            if state is None or state.check != check:
                return False
            found = replace(
                state, result=result, last_result=at, duration=duration, made_with=_deciding(check)
            )
            if result.failure is None:
                found = replace(found, success=True, error=None, last_success=at)
            else:
                found = _failed(found, *result.failure)
            self._checks[check.name] = found
            self._histories[check.name] = _grown(self._histories.get(check.name, {}), result, at)
            return True

    def failed(self, check: Check, reason: str, error: str, *, duration: float) -> bool:
        """Count a failure; the last result stays.

        Returns:
            Whether it was counted: not where the configuration has changed since the run started.
        """
        with self._lock:
            state = self._checks.get(check.name)
            if state is None or state.check != check:
                return False
            self._checks[check.name] = replace(_failed(state, reason, error), duration=duration)
            return True


def _deciding(check: Check) -> str:
    """A digest of all that decides what a check finds; no text, as URLs may hold passwords."""
    said = check.model_dump(mode="json", exclude=_CHANGING_NOTHING)
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _same_type(before: CheckState | None, check: Check) -> bool:
    return before is not None and before.check.type == check.type


def _taken_over(before: CheckState | None, check: Check) -> CheckState:
    if before is None:
        return CheckState(check=check)
    if not _same_type(before, check):
        return CheckState(check=check, failures=before.failures)
    return replace(before, check=check)


def _failed(state: CheckState, reason: str, error: str) -> CheckState:
    failures = {**state.failures, reason: state.failures.get(reason, 0) + 1}
    return replace(state, success=False, error=error, failures=failures)


def _grown(before: Mapping[Key, deque[Point]], result: CheckResult, at: float) -> dict[Key, deque[Point]]:
    """The histories of a result's findings, each with one more point."""
    histories = {}
    for finding in result.findings:
        key = (finding.feature, finding.segment)
        points = histories[key] = before.get(key) or deque(maxlen=LONGEST_HISTORY)
        if finding.error is None:
            points.append(
                Point(at, finding.statistic, finding.effect_size, finding.p_value, finding.detected)
            )
    return histories
