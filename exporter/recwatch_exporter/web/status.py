"""What state a check is in, in the words of the page."""

from dataclasses import dataclass
from enum import StrEnum

from recwatch_exporter.process.schedule import longest_gap
from recwatch_exporter.process.state import CheckState

_MISSED = 2  # as many intervals as the alert on checks that have fallen silent waits


class Status(StrEnum):
    """States of a check, the worst one first."""

    DRIFT = "drift"
    FAILED = "failed"
    OVERDUE = "overdue"
    FEW_ROWS = "few-rows"
    WAITING = "waiting"
    STEADY = "steady"

    @property
    def words(self) -> "Words":
        """How it is named and what it means."""
        return _WORDS[self]


@dataclass(frozen=True)
class Words:
    """How a state is named, and what it means in a sentence."""

    name: str
    meaning: str


_WORDS = {
    Status.DRIFT: Words(
        "drift", "the effect reaches the threshold, is significant, and both windows hold enough rows"
    ),
    Status.FAILED: Words("failed", "the last run gave an error; figures are those of the last success"),
    Status.OVERDUE: Words("overdue", "the last success is older than two runs of the schedule"),
    Status.FEW_ROWS: Words("too few rows", "a window holds fewer rows than min_rows, so nothing can be told"),
    Status.WAITING: Words("not yet run", "no run has ended since the check was configured"),
    Status.STEADY: Words("no drift", "the last run found no drift"),
}


def statuses(state: CheckState, now: float) -> tuple[Status, ...]:
    """Every state that a check is in, the worst first: one that has drifted may have failed since.

    Args:
        state: the check.
        now: Unix time.
    """
    result = state.result
    overdue_after = _MISSED * longest_gap(state.check.schedule).total_seconds()
    found = {
        Status.DRIFT: result is not None and any(finding.detected for finding in result.findings),
        Status.FAILED: state.success is False,
        Status.OVERDUE: state.last_success > 0 and now - state.last_success > overdue_after,
        Status.FEW_ROWS: result is not None and not result.enough_rows,
        Status.WAITING: state.success is None and result is None,
    }
    return tuple(status for status, holds in found.items() if holds) or (Status.STEADY,)
