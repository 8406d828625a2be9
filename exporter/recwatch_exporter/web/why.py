"""Why a finding is drift or is none: the sentence that holds its figures together."""

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.config import Check
from recwatch_exporter.results import Finding
from recwatch_exporter.web.dial import Scale
from recwatch_exporter.web.words import amount, count, figure


def scale_of(check: Check) -> Scale:
    """The scale on which the check's effect sizes lie."""
    kind = check.check_type
    good_end = kind.lowest_threshold if kind.bad is Direction.HIGH else kind.highest_threshold
    return Scale(threshold=check.threshold, bad=kind.bad, good_end=good_end)


def why(check: Check, finding: Finding) -> str:
    """The sentence that says how a verdict came about."""
    if finding.error is not None:
        return finding.error
    if not finding.enough_rows:
        return _few_rows(check, finding)
    if finding.effect_size is None:
        return "The statistic is not defined on these rows."
    reached = scale_of(check).reached(finding.effect_size)
    effect = amount(finding.effect_size, seconds=check.check_type.seconds)
    threshold = amount(finding.threshold, seconds=check.check_type.seconds)
    side = _SIDES[check.check_type.bad, reached]
    chance = _chance(check, finding, reached=reached)
    return f"The effect size {effect} {side} the threshold {threshold}{chance}."


_SIDES = {
    (Direction.HIGH, True): "reaches",
    (Direction.HIGH, False): "is below",
    (Direction.LOW, True): "is below",
    (Direction.LOW, False): "is not below",
}


def _few_rows(check: Check, finding: Finding) -> str:
    absent = finding.details.get("no_rows")
    if isinstance(absent, list | tuple) and absent:
        return f"No rows, so nothing can be told: {'; '.join(map(str, absent))}."
    if finding.cannot_tell is not None:
        return f"Nothing can be told: {finding.cannot_tell}."
    sides = {"reference": finding.n_reference, "current": finding.n_current}
    asked = [sides[side] for side in check.check_type.min_rows_of]
    fewest = min((rows for rows in asked if rows is not None), default=0)
    needed = count(check.min_rows)
    if fewest >= check.min_rows:
        return f"Fewer than the {needed} rows that are needed can be compared, so nothing can be told."
    return f"{count(fewest)} of the {needed} rows that are needed, so nothing can be told."


def _chance(check: Check, finding: Finding, *, reached: bool) -> str:
    """What the p-value adds, if the type has one."""
    if finding.p_value is None:
        missing = check.has_p_value and reached
        return ", but there is no p-value, so it is not taken for drift" if missing else ""
    gap = "\N{NO-BREAK SPACE}"
    figures = f"p{gap}={gap}{figure(finding.p_value)}, alpha{gap}{figure(check.alpha)}"
    if finding.p_value <= check.alpha:
        return f"{', and' if reached else ', though'} chance hardly explains it: {figures}"
    return f"{', but' if reached else ', and'} chance alone may explain it: {figures}"
