"""What several sections are made with."""

import math
from collections.abc import Mapping
from typing import Literal

from recwatch.report.document import Cell, Chart, Column, Limit, Line, Section, Tone
from recwatch.report.period import Period
from recwatch.report.series import Key, Series
from recwatch.report.units import NOTHING, Unit, change, difference, value

__all__ = [
    "WORST",
    "Worse",
    "cell",
    "chart",
    "columns",
    "compared",
    "named",
    "ratio",
    "section",
    "with_pictures",
]

Worse = Literal["up", "down", "neither"]
"""The direction that is bad."""
WORST = 10
"""Pictures of a kind, at most: of the worst. Tables hold all."""
_NOTICED = 0.05
"""Changes smaller than this are neither better nor worse."""


def cell(number: float | None, unit: Unit) -> Cell:
    """Return a value as a cell."""
    return Cell(value(number, unit), "quiet" if number is None else "")


def compared(
    new: float | None, old: float | None, unit: Unit, *, worse: Worse = "neither", points: bool = False
) -> Cell:
    """Return a value with its change since the period before, and whether that is better or worse.

    Args:
        new: of this period.
        old: of the period before.
        unit: of both.
        worse: the direction that is bad.
        points: tell the change of a ratio in percentage points: a share of a share says little.
    """
    if new is None:
        return cell(None, unit)
    note = difference(new, old) if points else change(new, old)
    small = old is None or abs(new - old) < _NOTICED * (1.0 if points else abs(old))
    if worse == "neither" or old is None or not note or small:
        return Cell(value(new, unit), "", note)
    tone: Tone = "worse" if (new > old) == (worse == "up") else "better"
    return Cell(value(new, unit), tone, f"{note} {tone}")


def ratio(above: Mapping[Key, float], below: Mapping[Key, float], key: Key) -> float | None:
    """Return a share; None where nothing was asked, 0 where nothing of what was asked counts."""
    whole = below.get(key, 0.0)
    return above.get(key, 0.0) / whole if whole > 0 else None


def columns(*titles: str, right: int = 1) -> tuple[Column, ...]:
    """Return columns of which the first `right` hold words and the others numbers."""
    return tuple(Column(title, right=number >= right) for number, title in enumerate(titles))


def chart(
    title: str,
    lines: Mapping[str, Series | None],
    unit: Unit,
    period: Period,
    *,
    limits: tuple[Limit, ...] = (),
    note: str = "",
) -> Chart | None:
    """Return a chart of the lines that there are; None where there is none."""
    shown = tuple(Line(name, one.times, one.values) for name, one in lines.items() if one is not None)
    if not any(math.isfinite(number) for line in shown for number in line.values):
        return None
    return Chart(title, shown, unit, period.start, period.end, period.step, limits, note)


def section(name: str, title: str, question: str, *, missing: str) -> Section:
    """Return a section that holds nothing, and says why."""
    return Section(name, title, question, remarks=(missing,))


def with_pictures(count: int, what: str) -> tuple[str, ...]:
    """Return the remark that pictures were left out, if they were."""
    return (f"Pictures of the {WORST} {what} of {count} that need most attention.",) if count > WORST else ()


def named(key: Key) -> str:
    """Return a name for labels, without those that are empty; a dash for none."""
    return " · ".join(part for part in key if part) or NOTHING
