"""Drift: what each check found, and how long it has been so."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from recwatch.report.document import Cell, Chart, Limit, Section, Table
from recwatch.report.period import Period
from recwatch.report.sections.common import WORST, chart, columns, named, section, with_pictures
from recwatch.report.series import Answers, Key
from recwatch.report.units import NOTHING, Unit, value

__all__ = ["LESS_IS_DRIFT", "TIMES", "Finding", "build", "findings", "worst_findings"]

LESS_IS_DRIFT = frozenset({"coverage", "embedding", "factors", "neighbours", "rank_overlap", "spearman"})
"""Types of checks whose effect drifts when it falls to the threshold; others when it rises to it."""
TIMES = frozenset({"freshness"})
"""Types of checks whose effect is a time in seconds."""
_CHECK = ("service", "check")
_LABELS = (*_CHECK, "type", "feature", "segment")


@dataclass(frozen=True)
class Finding:
    """The one of a check's findings that says most.

    Attributes:
        service: of the exporter.
        check: its name.
        name: what it is told apart by: its name, and the service where another has one of that name.
        type: its type.
        feature: the column.
        segment: the part of the data.
        effect: what is held against the threshold; None where there is no result, as of too few rows.
        threshold: the check's.
        p_value: how often chance alone is as bad; None where the type has none.
        drifts: how many of its findings drift.
        of: how many there are.
    """

    service: str
    check: str
    name: str
    type: str
    feature: str
    segment: str
    effect: float | None
    threshold: float | None
    p_value: float | None
    drifts: int
    of: int

    @property
    def course(self) -> str:
        """The name of the question about its effect over time."""
        return f"drift course of {self.name}"

    @property
    def key(self) -> Key:
        """The values of `_CHECK`."""
        return self.service, self.check

    @property
    def unit(self) -> Unit:
        """Of effect and threshold."""
        return "seconds" if self.type in TIMES else "number"


def findings(answers: Answers) -> list[Finding]:
    """Return the most telling finding of each check: one that drifts, else the one with the least p-value.

    Of a check that found nothing yet, or has too few rows, there is a threshold alone.
    """
    effects = answers.values("effect_size", *_LABELS)
    thresholds, p_values = answers.values("threshold", *_LABELS), answers.values("p_value", *_LABELS)
    detected = answers.values("detected", *_LABELS)
    by_check: dict[Key, list[Key]] = defaultdict(list)
    for key in {**effects, **thresholds}:
        by_check[key[:2]].append(key)
    times = Counter(check for _, check in by_check)

    def rank(key: Key) -> tuple[float, bool, float, float, Key]:
        away = abs(effects.get(key, 0.0) - thresholds.get(key, 0.0))
        return -detected.get(key, 0.0), key not in effects, p_values.get(key, 1.0), away, key

    found = []
    for keys in by_check.values():
        best = min(keys, key=rank)
        drifts = sum(detected.get(key, 0.0) > 0 for key in keys)
        service, check, kind, feature, segment = best
        name = named((check, service)) if times[check] > 1 else check
        told = (effects.get(best), thresholds.get(best), p_values.get(best), drifts, len(keys))
        found.append(Finding(service, check, name, kind, feature, segment, *told))
    return sorted(found, key=lambda one: (-min(one.drifts, 1), _chance(one), one.name))


def worst_findings(answers: Answers) -> list[Finding]:
    """Return those findings that get a picture."""
    return [one for one in findings(answers) if one.effect is not None][:WORST]


def build(answers: Answers, period: Period) -> Section:
    """Tell of every check; those that drift come first."""
    title, question = "Drift", "Does the data still look like what the models were trained on?"
    found = findings(answers)
    if not found:
        return section(
            "drift",
            title,
            question,
            missing="Not measured: no drift_threshold at the end of this period. docs/drift.md says how "
            "data is checked; DriftExporterDown fires when the exporter is away.",
        )
    _, word = period.slot
    rows = tuple(_row(one, answers, period) for one in found)
    heads = columns(
        "Check", "Model", "Result", "Effect", "Threshold", "p", "Rows", f"{word.title()} with drift", right=3
    )
    drawn = [one for one in found if one.effect is not None]
    pictures = (_picture(one, answers, period) for one in drawn[:WORST])
    return Section(
        "drift",
        title,
        question,
        (Table(heads, rows),),
        tuple(picture for picture in pictures if picture is not None),
        with_pictures(len(drawn), "checks"),
    )


def _row(one: Finding, answers: Answers, period: Period) -> tuple[Cell, ...]:
    models = sorted(key[2] for key in answers.values("drift_models", *_CHECK, "model") if key[:2] == one.key)
    place = named((one.feature, "" if one.segment == "all" else one.segment))
    more = f", {one.drifts} of {one.of} drift" if one.of > 1 else ""
    return (
        Cell(one.name, note=f"{one.type}: {place}{more}"),
        Cell(", ".join(filter(None, models)) or NOTHING),
        _result(one, answers),
        Cell(value(one.effect, one.unit)),
        Cell(value(one.threshold, one.unit), note="less is drift" if one.type in LESS_IS_DRIFT else ""),
        Cell(value(one.p_value, "number")),
        _rows(one, answers),
        _slots(one.key, answers, period),
    )


def _result(one: Finding, answers: Answers) -> Cell:
    success = answers.values("drift_success", *_CHECK).get(one.key)
    if success == 0:
        return Cell("check fails", "bad", "" if one.effect is None else "the last result is shown")
    if one.drifts:
        return Cell("drift", "bad")
    if _lacks_rows(one, answers):
        return Cell("too few rows", "quiet")
    if one.effect is None:
        return Cell("not run yet" if success is None else "no result", "quiet")
    return Cell("no drift", "good")


def _rows(one: Finding, answers: Answers) -> Cell:
    rows = answers.values("drift_rows", *_CHECK, "window")
    reference, current = (rows.get((*one.key, window)) for window in ("reference", "current"))
    notes = [] if reference is None else [f"of {value(reference, 'count')}"]
    if _lacks_rows(one, answers):
        needed = answers.values("drift_min_rows", *_CHECK).get(one.key)
        notes.append(f"{value(needed, 'count')} needed")
    return Cell(value(current, "count"), note=", ".join(notes))


def _lacks_rows(one: Finding, answers: Answers) -> bool:
    """Whether a window holds too few rows, as the rules have it: of some types rows are not asked for."""
    return answers.values("drift_rows_missing", *_CHECK).get(one.key, 0.0) > 0


def _slots(check: Key, answers: Answers, period: Period) -> Cell:
    """Count days, or hours, in which drift was seen."""
    size, _ = period.slot
    whole = round(period.seconds / size)
    one = answers.courses("drift_slots", *_CHECK).get(check)
    count = 0 if one is None else sum(number > 0 for number in one.values)
    return Cell(f"{count} of {whole}", "bad" if count else "")


def _picture(one: Finding, answers: Answers, period: Period) -> Chart | None:
    limits = () if one.threshold is None else (Limit("threshold", one.threshold),)
    lines = {"effect": next(iter(answers.now.get(one.course, ())), None)}
    return chart(f"{one.name}: {named((one.feature,))}", lines, one.unit, period, limits=limits)


def _chance(one: Finding) -> float:
    return 1.0 if one.p_value is None else one.p_value
