"""Figures and causes in plain characters: for terminals, logs and reports."""

from collections.abc import Mapping
from datetime import timedelta

from recwatch.durations import format_duration
from recwatch_exporter.config import Check
from recwatch_exporter.results import Finding
from recwatch_exporter.texts import bounded

_COARSE = (
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(hours=1), timedelta(minutes=1)),
    (timedelta(minutes=1), timedelta(seconds=1)),
)
_LONGEST_CAUSE = 300


def amount(check: Check, value: float, digits: int = 4) -> str:
    """A statistic or an effect size: a duration where the check's type counts seconds, such as `4d1h`."""
    if not check.check_type.seconds:
        return f"{value:.{digits}g}"
    length = timedelta(seconds=abs(value))
    for least, unit in _COARSE:
        if length >= least:
            length = round(length / unit) * unit
            break
    return f"{'-' if value < 0 else ''}{format_duration(length)}"


def threshold(check: Check) -> str:
    """The threshold as it may be configured: exactly."""
    if check.check_type.seconds:
        return format_duration(timedelta(seconds=check.threshold))
    return f"{check.threshold:g}"


def few_rows(check: Check, finding: Finding) -> str:
    """Why too few rows say nothing: none at all is something else than not enough."""
    if finding.cannot_tell is not None:
        return finding.cannot_tell
    absent = finding.details.get("no_rows")
    if isinstance(absent, list | tuple) and absent:
        return f"no rows ({bounded('; '.join(map(str, absent)), _LONGEST_CAUSE)})"
    return f"fewer than {check.min_rows} rows"


def columns(finding: Finding) -> str:
    """Which columns a finding is about, where its details name them; else nothing."""
    details, parts = finding.details, []
    changed = details.get("changed")
    if not isinstance(changed, Mapping):
        return ""
    for key in ("gone", "new"):
        names = details.get(key)
        if isinstance(names, list | tuple) and names:
            parts.append(f"{key}: {', '.join(map(str, names))}")
    if changed:
        parts.append(f"changed: {', '.join(f'{name} {_kinds(kinds)}' for name, kinds in changed.items())}")
    return bounded("; ".join(parts), _LONGEST_CAUSE)


def _kinds(kinds: object) -> str:
    return " -> ".join(map(str, kinds.values())) if isinstance(kinds, Mapping) else str(kinds)
