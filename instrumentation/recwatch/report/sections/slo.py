"""Objectives: what was promised, and how much of the error budget is left."""

import math
from dataclasses import replace

from recwatch.report.document import Cell, Section, Table
from recwatch.report.period import Period
from recwatch.report.sections.common import WORST, chart, columns, compared, section, with_pictures
from recwatch.report.series import Answers, Key
from recwatch.report.units import value

__all__ = ["ENOUGH", "LABELS", "LOW", "budget", "budgets", "build", "senseless"]

LOW = 0.25
"""A budget of which less is left needs attention."""
ENOUGH = 5_000
"""Requests in three days from which a budget says something, as the alert ErrorBudgetSpent has it."""
LABELS = ("service", "model", "slo")


def build(answers: Answers, period: Period) -> Section:
    """Tell of every objective; the one with the least budget left comes first."""
    title, question = "Objectives", "Was the promise kept, and how much may still go wrong?"
    left, objectives, wrong = budgets(answers), _objectives(answers), senseless(answers)
    if not left and not objectives:
        return section(
            "slo",
            title,
            question,
            missing="Not measured: no service_model:slo_budget:left30d. It records it by the "
            "rules of prometheus/rules, once a recommender has had requests.",
        )
    before = answers.values("budget", *LABELS, before=True)
    bad = answers.values("slo_errors", *LABELS)
    courses = answers.courses("budget_course", *LABELS)
    # What cannot be measured comes first, what is switched off last.
    ranked = sorted({*left, *objectives}, key=lambda key: (key not in wrong, left.get(key, math.inf), key))
    drawn = [key for key in ranked if key in left]
    rows = tuple(
        (
            Cell(key[1]),
            Cell(key[0]),
            Cell(key[2], note=_target(objectives.get(key))),
            _state(left.get(key), objectives.get(key)),
            Cell(value(bad.get(key), "ratio")),
            _left(left.get(key), before.get(key)),
        )
        for key in ranked
    )
    pictures = (
        chart(
            f"{key[1]} on {key[0]}, {key[2]}: budget left", {"budget left": courses.get(key)}, "ratio", period
        )
        for key in drawn[:WORST]
    )
    return Section(
        "slo",
        title,
        question,
        (
            Table(
                columns(
                    "Model", "Service", "Objective", "State", "Missed in 30 days", "Budget left", right=4
                ),
                rows,
            ),
        ),
        tuple(picture for picture in pictures if picture is not None),
        with_pictures(len(drawn), "objectives"),
    )


def budgets(answers: Answers) -> dict[Key, float]:
    """Return the share of each error budget that is left, of objectives that make sense."""
    objectives = _objectives(answers)
    left = answers.values("budget", *LABELS)
    return {key: share for key, share in left.items() if _makes_sense(objectives.get(key))}


def senseless(answers: Answers) -> dict[Key, float]:
    """Return objectives that are no share between 0 and 1; an infinite one is switched off on purpose."""
    return {
        key: objective
        for key, objective in _objectives(answers).items()
        if not _makes_sense(objective) and math.isfinite(objective)
    }


def budget(left: float | None) -> str:
    """Write what is left of a budget: from twice as much as there was, how often it was spent."""
    return value(left, "ratio") if left is None or left > -1 else f"spent {value(1 - left, 'count')} times"


def _objectives(answers: Answers) -> dict[Key, float]:
    return answers.values("objective", *LABELS, infinite=True)


def _makes_sense(objective: float | None) -> bool:
    return objective is None or 0 < objective < 1


def _target(objective: float | None) -> str:
    if objective is None or math.isinf(objective):
        return ""
    if not _makes_sense(objective):
        return f"{value(objective, 'number')} is no share between 0 and 1"
    return f"{value(objective, 'ratio')} of the requests"


def _state(left: float | None, objective: float | None) -> Cell:
    if objective is not None and math.isinf(objective):
        return Cell("switched off", "quiet")
    if not _makes_sense(objective):
        return Cell("makes no sense", "bad")
    if left is None:
        return Cell("not measured", "quiet")
    if left <= 0:
        return Cell("missed", "bad")
    return Cell("low", "bad") if left < LOW else Cell("kept", "good")


def _left(left: float | None, before: float | None) -> Cell:
    cell = compared(left, before, "ratio", worse="down", points=True)
    if left is None or left > -1:
        return cell
    return replace(cell, text=budget(left), note=cell.tone)
