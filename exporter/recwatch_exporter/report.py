"""What the checks found, as JSON and as the table and exit code of `recwatch-exporter check`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from recwatch.logs import one_line
from recwatch_exporter.checks.base import Direction
from recwatch_exporter.config import Check
from recwatch_exporter.figures import amount, columns, few_rows, threshold
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import Finding


class Verdict(IntEnum):
    """The exit code of `recwatch-exporter check`."""

    NO_DRIFT = 0
    DRIFT = 1
    CANNOT_TELL = 2


def verdict(states: Iterable[CheckState]) -> Verdict:
    """What all checks say together.

    Drift that one check found stands, whatever the others say; without any, a check that failed or had too
    few rows leaves the answer open.
    """
    open_question = False
    for state in states:
        result = state.result
        if result is not None and any(finding.detected for finding in result.findings):
            return Verdict.DRIFT
        open_question |= not state.success or result is None or not result.enough_rows
    return Verdict.CANNOT_TELL if open_question else Verdict.NO_DRIFT


def describe(state: CheckState) -> list[dict[str, Any]]:
    """A check as JSON, one row a finding; a check that has no result gives one row without figures."""
    if state.result is None:
        empty = Finding(
            type=state.check.type,
            feature=state.check.label,
            statistic=None,
            p_value=None,
            effect_size=None,
            threshold=state.check.threshold,
            detected=False,
        )
        return [_row(state, empty, state.error) | {"detected": None, "enough_rows": None}]
    # Where only some features failed, the others have nothing to do with the error.
    in_part = state.result.failure is not None and state.error == state.result.failure[1]
    shared = None if in_part else state.error
    return [_row(state, finding, finding.error or shared) for finding in state.result.findings]


def iso_time(at: float) -> str:
    """A Unix time as ISO 8601, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()


def _row(state: CheckState, finding: Finding, error: str | None) -> dict[str, Any]:
    return {
        "check": state.check.name,
        "type": finding.type,
        "feature": finding.feature,
        "segment": finding.segment,
        "statistic": finding.statistic,
        "p_value": finding.p_value,
        "effect_size": finding.effect_size,
        "threshold": finding.threshold,
        "detected": finding.detected,
        "n_reference": finding.n_reference,
        "n_current": finding.n_current,
        "error": error,
        "details": dict(finding.details),
        "models": list(state.check.models),
        "enough_rows": finding.enough_rows,
        "success": state.success,
        "last_success": iso_time(state.last_success) if state.last_success else None,
    }


_HEADINGS = (
    *("CHECK", "TYPE", "FEATURE", "SEGMENT", "STATISTIC", "EFFECT", "DRIFT IF", "P-VALUE"),
    *("REFERENCE", "CURRENT", "RESULT"),
)
_RIGHT = frozenset({"STATISTIC", "EFFECT", "DRIFT IF", "P-VALUE", "REFERENCE", "CURRENT"})


def table(states: Sequence[CheckState]) -> str:
    """An aligned table, one line a finding, and below it what failed."""
    lines = [_HEADINGS, *(line for state in states for line in _lines(state))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    text = [
        "  ".join(
            cell.rjust(width) if heading in _RIGHT else cell.ljust(width)
            for cell, width, heading in zip(line, widths, _HEADINGS, strict=True)
        ).rstrip()
        for line in lines
    ]
    errors = [one_line(f"{state.check.name}: {state.error}") for state in states if state.error]
    return "\n".join([*text, *(["", *errors] if errors else [])])


def _lines(state: CheckState) -> list[tuple[str, ...]]:
    check, result = state.check, state.result
    if result is None:
        blank = ("-", "-", limit(state), "-", "-", "-")
        return [(check.name, check.type, one_line(check.label), "all", *blank, "failed")]
    return [
        (
            check.name,
            finding.type,
            one_line(finding.feature),
            one_line(finding.segment),
            _amount(check, finding.statistic),
            _amount(check, finding.effect_size),
            limit(state),
            _figure(finding.p_value),
            _count(finding.n_reference),
            _count(finding.n_current),
            _word(state, finding),
        )
        for finding in result.findings
    ]


def _count(rows: int | None) -> str:
    return "-" if rows is None else str(rows)


def limit(state: CheckState) -> str:
    """From which effect size on it is drift, such as `>= 0.1`."""
    sign = ">=" if state.check.check_type.bad is Direction.HIGH else "<"
    return f"{sign} {threshold(state.check)}"


def _amount(check: Check, value: float | None) -> str:
    return "-" if value is None else amount(check, value)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _word(state: CheckState, finding: Finding) -> str:
    if finding.detected:
        which = columns(finding)
        return one_line(f"DRIFT{which and f' ({which})'}{_left_out(finding)}")
    if finding.error is not None:
        return "failed"
    told = "no drift" if finding.enough_rows else one_line(few_rows(state.check, finding))
    return f"{told}{_left_out(finding)}"


def _left_out(finding: Finding) -> str:
    """How many shared vectors could not be compared."""
    number = finding.details.get("left_out")
    return f", {number} left out" if isinstance(number, int) and number else ""
