"""What a run of a check found, judged."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recwatch_exporter.checks.base import Direction, Measurement
from recwatch_exporter.config import Check
from recwatch_exporter.errors import StatisticError


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement against its threshold: the labels `check`, `type`, `feature`, `segment`.

    Attributes:
        statistic: None where it is not defined; so are the others.
        detected: the effect reaches the threshold, is significant, and both windows hold enough rows.
    """

    type: str
    feature: str
    segment: str = "all"
    statistic: float | None
    p_value: float | None
    effect_size: float | None
    threshold: float
    detected: bool
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one run found.

    Attributes:
        findings: one for each feature and segment.
        rows: rows by window, `reference` and `current`.
        newest: the newest record by window, for freshness; a window without records is left out.
        enough_rows: whether every window holds `min_rows` or more, so that the findings say something.
    """

    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    newest: Mapping[str, datetime]
    enough_rows: bool


def judge(check: Check, measurement: Measurement, newest: Mapping[str, datetime]) -> CheckResult:
    """Hold a measurement against the check's threshold, alpha and `min_rows`.

    Drift is detected where the effect reaches the threshold, and the p-value, if the type has one, is at most
    alpha, and there are `min_rows` or more: with a million rows any p-value is small, with fifty any effect
    is noise.

    Raises:
        StatisticError: when there are enough rows but the statistic is not defined on them.
    """
    fewest = min(measurement.n_reference, measurement.n_current, measurement.n_compared)
    enough_rows = fewest >= check.min_rows
    defined = math.isfinite(measurement.statistic) and math.isfinite(measurement.effect_size)
    if enough_rows and not defined:
        raise StatisticError(
            f"{check.type} is not defined on {check.column}: its values are all equally frequent in one "
            "window and not in the other; choose another column"
        )
    detected = (
        enough_rows
        and _reaches(check, measurement.effect_size)
        and (measurement.p_value is None or measurement.p_value <= check.alpha)
    )
    finding = Finding(
        type=check.type,
        feature=check.column,
        statistic=measurement.statistic if defined else None,
        p_value=measurement.p_value if defined else None,
        effect_size=measurement.effect_size if defined else None,
        threshold=check.threshold,
        detected=detected,
        details=measurement.details,
    )
    rows = {"reference": measurement.n_reference, "current": measurement.n_current}
    return CheckResult(findings=(finding,), rows=rows, newest=newest, enough_rows=enough_rows)


def _reaches(check: Check, effect_size: float) -> bool:
    if check.check_type.bad is Direction.HIGH:
        return effect_size >= check.threshold
    return effect_size < check.threshold
