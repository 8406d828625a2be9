"""A finding as the page shows it: figures, a sentence that says why, a picture, the worst ids."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.config import Check
from recwatch_exporter.results import ALL, Finding
from recwatch_exporter.web.bars import Bins
from recwatch_exporter.web.why import why
from recwatch_exporter.web.words import amount, figure, percent

_MOST_BINS, _MOST_ROWS, _MOST_FEATURES, _MOST_FIGURES = 40, 10, 20, 12
_MOST_DETAILS = 8_000
_TABLES = {
    "worst": "Furthest apart",
    "rose": "Share rose most",
    "fell": "Share fell most",
    "contributions": "Contributes most",
}
_SHARES = frozenset({"reference", "current"})
_DRAWN = frozenset({"bins", "features", *_TABLES})


@dataclass(frozen=True)
class Table:
    """Rows of text, such as the ids that differ most; the first ten."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Verdict(StrEnum):
    """What one finding says, the worst first."""

    DRIFT = "drift"
    FAILED = "failed"
    FEW_ROWS = "few-rows"
    STEADY = "steady"


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """A finding as the page shows it.

    Attributes:
        verdict: what it says.
        why: the same in a sentence, with the figures that decide.
        bins: what the picture shows; None where there is none.
        importances: features and how much each tells the windows apart.
        tables: the ids that differ most, and the like.
        figures: further numbers, such as that of clusters.
        details: what else the type has to say, as JSON, not longer than a page bears.
    """

    feature: str
    segment: str
    verdict: Verdict
    why: str
    statistic: float | None
    effect_size: float | None
    p_value: float | None
    threshold: float
    n_reference: int | None
    n_current: int | None
    bins: Bins | None
    importances: tuple[tuple[str, float], ...]
    tables: tuple[Table, ...]
    figures: tuple[tuple[str, float], ...]
    details: str


def limit_text(check: Check) -> str:
    """When it is drift: `≥ 0.1`, `< 0.95`."""
    sign = "≥" if check.check_type.bad is Direction.HIGH else "<"
    return f"{sign} {amount(check.threshold, seconds=check.check_type.seconds)}"


def verdict_of(finding: Finding) -> Verdict:
    """What a finding says."""
    if finding.detected:
        return Verdict.DRIFT
    if finding.error is not None:
        return Verdict.FAILED
    return Verdict.STEADY if finding.enough_rows else Verdict.FEW_ROWS


def by_weight(check: Check, findings: Sequence[Finding]) -> list[Finding]:
    """Findings in the order in which a person wants them: the worst first, all rows before segments.

    Among the same verdicts the effect size decides, however far it lies beyond the dial's end.
    """
    high, order = check.check_type.bad is Direction.HIGH, list(Verdict)

    def weight(finding: Finding) -> tuple[int, bool, float, str, str]:
        effect = check.threshold if finding.effect_size is None else finding.effect_size
        nearness = -effect if high else effect
        rank = order.index(verdict_of(finding))
        return rank, finding.segment != ALL, nearness, finding.feature, finding.segment

    return sorted(findings, key=weight)


def view_of(check: Check, finding: Finding) -> FindingView:
    """A finding made ready for the page; details of any shape are borne."""
    details = finding.details
    return FindingView(
        feature=finding.feature,
        segment=finding.segment,
        verdict=verdict_of(finding),
        why=why(check, finding),
        statistic=finding.statistic,
        effect_size=finding.effect_size,
        p_value=finding.p_value,
        threshold=finding.threshold,
        n_reference=finding.n_reference,
        n_current=finding.n_current,
        bins=_bins(details.get("bins")),
        importances=_importances(details.get("features")),
        tables=tuple(
            table for key, title in _TABLES.items() if (table := _table(title, details.get(key))) is not None
        ),
        figures=tuple(_figures(details).items()),
        details=_rest(details),
    )


def _bins(given: Any) -> Bins | None:
    if not isinstance(given, Mapping):
        return None
    labels = given.get("labels")
    current = _shares(given.get("current"))
    reference = None if given.get("reference") is None else _shares(given["reference"])
    if not isinstance(labels, list | tuple) or not labels or current is None or len(labels) != len(current):
        return None
    if "reference" in given and (reference is None or len(reference) != len(labels)):
        return None
    kept = slice(_MOST_BINS)
    return Bins(
        labels=tuple(str(label) for label in labels[kept]),
        current=current[kept],
        reference=None if reference is None else reference[kept],
    )


def _shares(given: Any) -> tuple[float, ...] | None:
    if not isinstance(given, list | tuple) or not all(_is_number(share) and share >= 0 for share in given):
        return None
    return tuple(float(share) for share in given)


def _importances(given: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(given, list | tuple):
        return ()
    told = [item for item in given if isinstance(item, Mapping) and _is_number(item.get("importance"))]
    return tuple((str(item.get("feature")), float(item["importance"])) for item in told[:_MOST_FEATURES])


def _table(title: str, given: Any) -> Table | None:
    if not isinstance(given, list | tuple) or not given:
        return None
    rows = [item if isinstance(item, Mapping) else {"id": item} for item in given[:_MOST_ROWS]]
    keys = tuple(rows[0])
    return Table(
        title,
        tuple(str(key) for key in keys),
        tuple(tuple(_shown(key, row.get(key)) for key in keys) for row in rows),
    )


def _shown(key: Any, value: Any) -> str:
    if not isinstance(value, float) or not isfinite(value):
        return str(value)
    return percent(value) if key in _SHARES else figure(value)


def _figures(details: Mapping[str, Any]) -> dict[str, float]:
    numbers = {str(key): value for key, value in details.items() if key not in _DRAWN and _is_number(value)}
    return {_capital(key.replace("_", " ")): numbers[key] for key in list(numbers)[:_MOST_FIGURES]}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rest(details: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in details.items() if key not in _DRAWN and not _is_number(value)}
    text = json.dumps(rest, indent=2, ensure_ascii=False, default=str) if rest else ""
    return text if len(text) <= _MOST_DETAILS else f"{text[:_MOST_DETAILS]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
