"""What a run found, in the log."""

import logging
from collections.abc import Mapping

from recwatch.logs import event
from recwatch_exporter.config import Check
from recwatch_exporter.figures import amount, columns, few_rows, threshold
from recwatch_exporter.results import CheckResult, Finding

_LOG = logging.getLogger(__name__)


def log_result(check: Check, result: CheckResult, duration: float) -> None:
    """One line a finding; a warning for what could not be measured."""
    for finding in result.findings:
        if finding.error is not None:
            _LOG.warning(
                event(
                    "Check failed in part",
                    check=check.name,
                    feature=finding.feature,
                    segment=finding.segment,
                    error=finding.error,
                )
            )
            continue
        _LOG.info(event("Check completed", **_fields(check, finding, duration)))


def _fields(check: Check, finding: Finding, duration: float) -> dict[str, object]:
    fields: dict[str, object] = {
        "check": check.name,
        "statistic": "undefined" if finding.statistic is None else amount(check, finding.statistic),
        "p_value": "none" if finding.p_value is None else f"{finding.p_value:.3g}",
        "effect_size": "undefined" if finding.effect_size is None else amount(check, finding.effect_size),
        "threshold": threshold(check),
        "detected": finding.detected,
        "feature": finding.feature,
        "segment": finding.segment,
        "n_reference": "none" if finding.n_reference is None else finding.n_reference,
        "n_current": "none" if finding.n_current is None else finding.n_current,
        "time": f"{duration:.2f}s",
    }
    if not finding.enough_rows:
        fields["undecided"] = few_rows(check, finding)
    if finding.detected and columns(finding):
        fields["columns"] = columns(finding)
    if "worst" in finding.details and (finding.detected or finding.details.get("below")):
        # Ids belong into the log, where they can be looked up; as labels they would be without bound.
        fields["worst"] = ", ".join(_words(item) for item in finding.details["worst"])
    return fields


def _words(item: Mapping[str, object]) -> str:
    return " ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in item.values())
