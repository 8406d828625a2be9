"""Quality by late labels, clicks, and A/B tests."""

from recwatch.report.document import Cell, Limit, Section, Table
from recwatch.report.period import Period
from recwatch.report.sections.common import (
    WORST,
    cell,
    chart,
    columns,
    compared,
    ratio,
    section,
    with_pictures,
)
from recwatch.report.series import Answers, Key
from recwatch.report.units import change, value

__all__ = ["build"]

_MODEL = ("service", "model")
_METRIC = (*_MODEL, "metric")
_ARM = (*_MODEL, "variant", "metric")
_SURE = 0.05


def build(answers: Answers, period: Period) -> Section:
    """Tell of quality, clicks and tests; what is degraded comes first."""
    title, question = "Quality and A/B tests", "Are the answers still good, and which arm is better?"
    quality = answers.values("quality", *_METRIC)
    tables = (_quality(answers, quality), _clicks(answers), _arms(answers))
    if not any(table.rows for table in tables):
        return section(
            "quality",
            title,
            question,
            missing="Not measured: neither model_quality nor recommender_impressions_total in this period. "
            "docs/quality.md says how predictions meet late labels, docs/serving.md how clicks are counted.",
        )
    degraded = answers.values("quality_degraded", *_METRIC)
    baselines = answers.values("quality_baseline", *_METRIC)
    courses = answers.courses("quality_course", *_METRIC)
    ranked = _ranked(quality, degraded)
    pictures = (
        chart(
            f"{key[1]} on {key[0]}: {key[2]}",
            {key[2]: courses.get(key)},
            "number",
            period,
            limits=(Limit("baseline", baselines[key]),) if key in baselines else (),
        )
        for key in ranked[:WORST]
    )
    remarks = (
        () if quality else ("No late labels: there is no model_quality in this period (docs/quality.md).",)
    )
    return Section(
        "quality",
        title,
        question,
        tuple(table for table in tables if table.rows),
        tuple(picture for picture in pictures if picture is not None),
        (*remarks, *with_pictures(len(ranked), "metrics")),
    )


def _ranked(quality: dict[Key, float], degraded: dict[Key, float]) -> list[Key]:
    return sorted(quality, key=lambda key: (-degraded.get(key, 0.0), key[1], key))


def _quality(answers: Answers, quality: dict[Key, float]) -> Table:
    before = answers.values("quality", *_METRIC, before=True)
    baselines = answers.values("quality_baseline", *_METRIC)
    degraded = answers.values("quality_degraded", *_METRIC)
    samples = answers.values("quality_samples", *_MODEL)
    rows = tuple(
        (
            Cell(key[1]),
            Cell(key[0]),
            Cell(key[2]),
            _state(degraded.get(key)),
            Cell(value(quality[key], "number"), note=change(quality[key], before.get(key))),
            Cell(value(baselines.get(key), "number"), note=_against(quality[key], baselines.get(key))),
            cell(samples.get(key[:2]), "count"),
        )
        for key in _ranked(quality, degraded)
    )
    heads = columns("Model", "Service", "Metric", "State", "Value", "Baseline", "Labels", right=4)
    return Table(heads, rows, "Metrics over the window of labelled predictions, at the end of the period")


def _state(degraded: float | None) -> Cell:
    if degraded is None:
        return Cell("no verdict", "quiet")
    return Cell("degraded", "bad") if degraded > 0 else Cell("good", "good")


def _against(quality: float, baseline: float | None) -> str:
    told = change(quality, baseline)
    return f"now {told}" if told else ""


def _clicks(answers: Answers) -> Table:
    labels = (*_MODEL, "variant")
    shown, shown_before = (answers.values("impressions", *labels, before=old) for old in (False, True))
    taken, taken_before = (answers.values("clicks", *labels, before=old) for old in (False, True))
    rows = tuple(
        (
            Cell(key[1]),
            Cell(key[0]),
            Cell(key[2]),
            compared(ratio(taken, shown, key), ratio(taken_before, shown_before, key), "ratio", worse="down"),
            compared(shown[key], shown_before.get(key), "count"),
            compared(taken.get(key, 0.0), taken_before.get(key), "count"),
        )
        for key in sorted(shown, key=lambda key: (key[1], key))
        if shown[key] > 0
    )
    heads = columns("Model", "Service", "Variant", "Clicks per item shown", "Items shown", "Clicks", right=3)
    return Table(heads, rows, "Clicks")


def _arms(answers: Answers) -> Table:
    quality = answers.values("arm_quality", *_ARM)
    difference, p_value = answers.values("arm_difference", *_ARM), answers.values("arm_p_value", *_ARM)
    low, high = answers.values("arm_difference_low", *_ARM), answers.values("arm_difference_high", *_ARM)
    samples = answers.values("arm_samples", *_MODEL, "variant")
    mismatch = answers.values("arm_ratio", *_MODEL)
    rows = []
    for key in sorted(quality, key=lambda key: (key[1], key)):
        between = f"{value(low.get(key), 'number')} to {value(high.get(key), 'number')}" if key in low else ""
        warned = mismatch.get(key[:2], 1.0) < _SURE
        rows.append(
            (
                Cell(
                    f"{key[1]} · {key[2]}", "bad" if warned else "", "traffic not as asked" if warned else ""
                ),
                Cell(key[0]),
                Cell(key[3]),
                cell(quality[key], "number"),
                Cell(value(difference.get(key), "number"), note=between),
                cell(p_value.get(key), "number"),
                cell(samples.get(key[:3]), "count"),
            )
        )
    heads = columns("Arm", "Service", "Metric", "Value", "Against control", "p", "Labels", right=3)
    return Table(
        heads,
        tuple(rows),
        "A/B tests; the difference with its confidence sequence, which may be read at any time",
    )
