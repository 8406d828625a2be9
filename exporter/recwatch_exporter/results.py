"""What a run of a check found, judged."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from recwatch_exporter.checks.base import CANNOT_TELL, DIFFERENT_PERMUTATIONS, Direction, Measurement
from recwatch_exporter.config import Check
from recwatch_exporter.errors import CheckError, StatisticError
from recwatch_exporter.statistics.multiple import adjust
from recwatch_exporter.texts import bounded

ALL = "all"
"""The segment that holds every row."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement against its threshold: the labels `check`, `type`, `feature`, `segment`.

    Attributes:
        statistic: None where it is not defined; so are the others.
        p_value: corrected for the number of the check's findings that have enough rows (Benjamini and
            Hochberg).
        detected: the effect reaches the threshold, is significant, and both windows hold enough rows.
        enough_rows: whether the finding says something: every window holds `min_rows` or more, and clusters
            that can be permuted.
        error: why there is nothing but this message; None where there is.
    """

    type: str
    feature: str
    segment: str = ALL
    statistic: float | None
    p_value: float | None
    effect_size: float | None
    threshold: float
    detected: bool
    n_reference: int | None = None
    n_current: int | None = None
    enough_rows: bool = True
    error: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cannot_tell(self) -> str | None:
        """Why nothing can be told, though there are rows enough; None where it can, or they are too few."""
        return self.details.get(CANNOT_TELL)


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What one run found.

    Attributes:
        findings: one for each feature and segment.
        rows: rows by window, `reference` and `current`; a check without a reference has no such key.
        newest: the newest record by window, for freshness; a window without records is left out.
        enough_rows: whether every finding about all rows says something.
        drifted_share: the share of features that drifted, over all rows, among those with enough rows; None
            for a check of one feature.
        failure: reason and message where a feature could not be measured; the other findings hold.
    """

    findings: tuple[Finding, ...]
    rows: Mapping[str, int]
    newest: Mapping[str, datetime]
    enough_rows: bool
    drifted_share: float | None = None
    failure: tuple[str, str] | None = None


@dataclass(frozen=True)
class Measured:
    """What one feature and segment gave: a measurement, or why there is none."""

    feature: str
    segment: str
    outcome: Measurement | CheckError


def judge(check: Check, measured: Sequence[Measured], newest: Mapping[str, datetime]) -> CheckResult:
    """Hold measurements against the check's threshold, alpha and `min_rows`.

    Drift is detected where the effect reaches the threshold, and the p-value, if the type has one, is at most
    alpha, and there are `min_rows` or more: with a million rows any p-value is small, with fifty any effect
    is noise. Several p-values of findings with enough rows are corrected for their number before.

    Raises:
        CheckError: when nothing at all could be measured.
    """
    measured = [_named(_defined(check, item)) for item in measured]
    findings = _corrected(check, [_finding(check, item) for item in measured])
    whole = [finding for finding in findings if finding.segment == ALL]
    errors = [item for item in measured if item.segment == ALL and isinstance(item.outcome, CheckError)]
    failure = _failure(errors, features=len(whole))
    told = [finding for finding in whole if finding.error is None]
    if failure is not None and not told:
        raise failure
    return CheckResult(
        findings=findings,
        rows=_rows(check, told),
        newest=newest,
        enough_rows=all(finding.enough_rows for finding in told),
        drifted_share=_drifted_share(told) if len(whole) > 1 else None,
        failure=None if failure is None else (failure.reason, str(failure)),
    )


def _drifted_share(findings: Sequence[Finding]) -> float:
    """Of those that can be judged: a column of few rows is not one that has not drifted."""
    judged = [finding for finding in findings if finding.enough_rows]
    return sum(finding.detected for finding in judged) / len(judged) if judged else 0.0


def _named(item: Measured) -> Measured:
    """The same under names of bounded length: from here, values of data go into metrics, pages and files."""
    return replace(item, feature=bounded(item.feature), segment=bounded(item.segment))


def _defined(check: Check, item: Measured) -> Measured:
    """The same, or an error in its place where there are enough rows and yet no figure."""
    found = item.outcome
    if isinstance(found, CheckError) or not _enough_rows(check, found):
        return item
    if math.isfinite(found.statistic) and math.isfinite(found.effect_size):
        return item
    error = StatisticError(f"{check.type} is not defined on {item.feature}: {check.check_type.undefined}")
    return replace(item, outcome=error)


def _enough_rows(check: Check, found: Measurement) -> bool:
    asked = check.check_type.min_rows_of
    rows = [found.n_current] if "current" in asked else []
    if "reference" in asked and check.reference is not None:
        rows.append(found.n_reference)
    if rows:
        rows.append(found.n_compared)
    return all(number >= check.min_rows for number in rows)


def _doubt(check: Check, found: Measurement) -> bool:
    return _enough_rows(check, found) and CANNOT_TELL in found.details


def _said(check: Check, found: Measurement) -> dict[str, Any]:
    """The details; why nothing can be told is that there are too few rows, where there are."""
    doubt = _doubt(check, found)
    return {name: item for name, item in found.details.items() if doubt or name != CANNOT_TELL}


def _finding(check: Check, item: Measured) -> Finding:
    found = item.outcome
    empty = Finding(
        type=check.type,
        feature=item.feature,
        segment=item.segment,
        statistic=None,
        p_value=None,
        effect_size=None,
        threshold=check.threshold,
        detected=False,
    )
    if isinstance(found, CheckError):
        return replace(empty, error=str(found), enough_rows=False)
    counted = replace(
        empty,
        n_reference=found.n_reference if check.reference is not None else None,
        n_current=found.n_current,
        enough_rows=_enough_rows(check, found) and not _doubt(check, found),
        details=_said(check, found),
    )
    if not (math.isfinite(found.statistic) and math.isfinite(found.effect_size)):
        return counted
    return replace(counted, statistic=found.statistic, effect_size=found.effect_size, p_value=found.p_value)


def _corrected(check: Check, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with p-values corrected for their number, and then judged.

    Findings that cannot be told do not count: else those that are told would have more false ones among them
    than alpha, or would be lost beside columns of a few rows. How many rows there are does not depend on what
    they hold, so leaving them out keeps the correction valid. Their own p-value stays as it is.
    """
    p_values = [item.p_value for item in findings if item.p_value is not None and item.enough_rows]
    corrected = iter(adjust(p_values) if len(p_values) > 1 else p_values)
    judged = []
    for finding in findings:
        p_value, details = finding.p_value, finding.details
        if p_value is not None and finding.enough_rows:
            if len(p_values) > 1:
                details = {**details, "p_value_uncorrected": p_value}
            p_value = next(corrected)
        significant = p_value <= check.alpha if p_value is not None else not check.has_p_value
        detected = (
            finding.enough_rows
            and finding.effect_size is not None
            and significant
            and _reaches(check, finding.effect_size)
        )
        finding = replace(finding, p_value=p_value, detected=detected, details=details)  # noqa: PLW2901
        judged.append(_with_doubt(check, finding, len(p_values)))
    return tuple(judged)


def _with_doubt(check: Check, finding: Finding, compared: int) -> Finding:
    """The same, and that it says nothing where no p-value of so many findings could have reached alpha."""
    possible = finding.details.get(DIFFERENT_PERMUTATIONS)
    if possible is None or finding.detected or not finding.enough_rows or possible * check.alpha >= compared:
        return finding
    doubt = (
        f"the clusters are so few that no p-value of {compared} findings is below {compared / possible:.2g}: "
        "widen the windows, or compare fewer columns or segments"
    )
    return replace(finding, enough_rows=False, details={**finding.details, CANNOT_TELL: doubt})


def _failure(errors: Sequence[Measured], *, features: int) -> CheckError | None:
    """One error for all that could not be measured, of the first one's kind."""
    outcomes = [(item.feature, item.outcome) for item in errors if isinstance(item.outcome, CheckError)]
    if not outcomes:
        return None
    if features == 1:
        return outcomes[0][1]
    return type(outcomes[0][1])("; ".join(f"{feature}: {error}" for feature, error in outcomes))


def _rows(check: Check, findings: Sequence[Finding]) -> Mapping[str, int]:
    rows = {"current": max((finding.n_current or 0 for finding in findings), default=0)}
    if check.reference is None:
        return rows
    return {"reference": max((finding.n_reference or 0 for finding in findings), default=0), **rows}


def _reaches(check: Check, effect_size: float) -> bool:
    if check.check_type.bad is Direction.HIGH:
        return effect_size >= check.threshold
    return effect_size < check.threshold
