"""What a check said, as JSON for the state file and back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from recwatch_exporter.process.state import History, Kept
from recwatch_exporter.results import CheckResult, Finding


def write_kept(kept: Kept) -> dict[str, Any]:
    """As JSON can hold it; the history is kept elsewhere."""
    return {
        "type": kept.type,
        "made_with": kept.made_with,
        "result": None if kept.result is None else _write_result(kept.result),
        "success": kept.success,
        "error": kept.error,
        "last_success": kept.last_success,
        "last_result": kept.last_result,
        "duration": kept.duration,
    }


def read_kept(said: Mapping[str, Any], history: History) -> Kept:
    """What `write_kept` wrote.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: when it is something else.
    """
    return Kept(
        type=_text(said["type"]),
        made_with=_text(said.get("made_with", "")),  # which older files do not have
        result=None if said["result"] is None else _read_result(said["result"]),
        success=None if said["success"] is None else bool(said["success"]),
        error=None if said["error"] is None else _text(said["error"]),
        last_success=float(said["last_success"]),
        last_result=float(said["last_result"]),
        duration=None if said["duration"] is None else float(said["duration"]),
        history=history,
    )


def _write_result(result: CheckResult) -> dict[str, Any]:
    return {
        "findings": [{**asdict(finding), "details": dict(finding.details)} for finding in result.findings],
        "rows": dict(result.rows),
        "newest": {window: newest.isoformat() for window, newest in result.newest.items()},
        "enough_rows": result.enough_rows,
        "drifted_share": result.drifted_share,
        "failure": result.failure,
    }


def _read_result(said: Mapping[str, Any]) -> CheckResult:
    failure, share = said["failure"], said["drifted_share"]
    return CheckResult(
        findings=tuple(_read_finding(finding) for finding in said["findings"]),
        rows={_text(window): int(rows) for window, rows in said["rows"].items()},
        newest={_text(window): _time(newest) for window, newest in said["newest"].items()},
        enough_rows=bool(said["enough_rows"]),
        drifted_share=_number(share),
        failure=None if failure is None else (_text(failure[0]), _text(failure[1])),
    )


def _read_finding(said: Mapping[str, Any]) -> Finding:
    return Finding(
        type=_text(said["type"]),
        feature=_text(said["feature"]),
        segment=_text(said["segment"]),
        statistic=_number(said["statistic"]),
        p_value=_number(said["p_value"]),
        effect_size=_number(said["effect_size"]),
        threshold=float(said["threshold"]),
        detected=bool(said["detected"]),
        n_reference=None if said["n_reference"] is None else int(said["n_reference"]),
        n_current=None if said["n_current"] is None else int(said["n_current"]),
        enough_rows=bool(said["enough_rows"]),
        error=None if said["error"] is None else _text(said["error"]),
        details=dict(said["details"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is not a text")
    return value


def _number(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r:.80} is not a number")
    return float(value)


def _time(value: object) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return found
