"""What the checks found, as JSON and as the table and exit code of `--once`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.process.state import CheckState
from recwatch_exporter.results import Finding


class Verdict(IntEnum):
    """The exit code of `--once`."""

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
    """A check as JSON, one row a finding; a check that never succeeded gives one row without figures."""
    check, result = state.check, state.result
    shared = {
        "check": check.name,
        "type": check.type,
        "models": list(check.models),
        "threshold": check.threshold,
        "n_reference": None,
        "n_current": None,
        "enough_rows": result.enough_rows if result else None,
        "error": state.error,
        "success": state.success,
        "last_success": datetime.fromtimestamp(state.last_success, UTC).isoformat() if result else None,
    }
    if result is None:
        figures: dict[str, Any] = dict.fromkeys(("statistic", "p_value", "effect_size", "detected"))
        return [shared | figures | {"feature": check.label, "segment": "all", "details": {}}]
    return [
        shared
        | {
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
            "error": finding.error or state.error,
            "details": dict(finding.details),
        }
        for finding in result.findings
    ]


_HEADINGS = ("CHECK", "TYPE", "FEATURE", "STATISTIC", "DRIFT IF", "P-VALUE", "REFERENCE", "CURRENT", "RESULT")
_RIGHT = frozenset({"STATISTIC", "DRIFT IF", "P-VALUE", "REFERENCE", "CURRENT"})


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
    errors = [f"{state.check.name}: {state.error}" for state in states if state.error]
    return "\n".join([*text, *(["", *errors] if errors else [])])


def _lines(state: CheckState) -> list[tuple[str, ...]]:
    check, result = state.check, state.result
    if result is None:
        return [(check.name, check.type, check.label, "-", _limit(state), "-", "-", "-", "failed")]
    return [
        (
            check.name,
            finding.type,
            finding.feature,
            _figure(finding.statistic),
            _limit(state),
            _figure(finding.p_value),
            _count(finding.n_reference),
            _count(finding.n_current),
            _word(state, finding),
        )
        for finding in result.findings
    ]


def _count(rows: int | None) -> str:
    return "-" if rows is None else str(rows)


def _limit(state: CheckState) -> str:
    sign = ">=" if state.check.check_type.bad is Direction.HIGH else "<"
    return f"{sign} {state.check.threshold:g}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _word(state: CheckState, finding: Finding) -> str:
    if finding.detected:
        return "DRIFT"
    enough = state.result is not None and state.result.enough_rows
    return "no drift" if enough else f"fewer than {state.check.min_rows} rows"
