"""A report as data: what the page, the mail and the JSON are made of."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from recwatch.report.units import Unit

__all__ = [
    "Cell",
    "Chart",
    "Column",
    "Item",
    "Lane",
    "Limit",
    "Line",
    "Report",
    "Section",
    "Severity",
    "Shade",
    "Stretch",
    "Table",
    "Timeline",
    "Tone",
    "document",
]

Tone = Literal["", "good", "bad", "better", "worse", "quiet"]
Shade = Literal["critical", "warning", "plain"]
Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: its value.
        tone: how it is to be taken, `better` and `worse` of the change alone; the texts say it as well.
        note: smaller, below: the change since the period before, or what explains it.
    """

    text: str
    tone: Tone = ""
    note: str = ""


@dataclass(frozen=True)
class Column:
    """A column; `right` where it holds numbers."""

    title: str
    right: bool = False


@dataclass(frozen=True)
class Table:
    """A table; every row has a cell a column, and the first names the row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a chart: seconds since the epoch, and values of which some may not be finite."""

    name: str
    times: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Limit:
    """A threshold that a chart shows as a dashed line."""

    name: str
    value: float


@dataclass(frozen=True)
class Chart:
    """Lines over the period.

    Attributes:
        title: what it shows.
        lines: three at most.
        unit: of the values.
        start: the left end, in seconds since the epoch.
        end: the right end.
        step: seconds between two points; a longer way between two is a gap.
        limits: thresholds.
        note: a sentence below.
    """

    title: str
    lines: tuple[Line, ...]
    unit: Unit
    start: float
    end: float
    step: float
    limits: tuple[Limit, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Stretch:
    """Part of a lane, in seconds since the epoch."""

    start: float
    end: float
    text: str = ""
    tone: Shade = "plain"


@dataclass(frozen=True)
class Lane:
    """A named row of a timeline."""

    name: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True)
class Timeline:
    """What was when."""

    title: str
    lanes: tuple[Lane, ...]
    start: float
    end: float
    note: str = ""


Picture = Chart | Timeline


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        name: for links, and the one of its questions.
        title: its heading.
        question: what a reader finds answered in it.
        tables: with a row at least.
        pictures: small ones, side by side.
        remarks: sentences: why it is empty, what was left out.
        gaps: what Prometheus could not answer.
    """

    name: str
    title: str
    question: str
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    remarks: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """Something that needs attention; `section` says more about it."""

    tone: Severity
    text: str
    section: str


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        title: a line.
        start: of its period, in seconds since the epoch.
        end: of its period.
        period: its length in words.
        source: the Prometheus that was asked.
        models: what it is limited to; none is all.
        items: what needs attention, the worst first.
        facts: the few numbers that everybody wants: names, values and changes.
        sections: in the order of the questions that a reader has.
        gaps: how many questions have no answer.
        since: where what is drawn begins, if much of the period was before; in seconds since the epoch.
    """

    title: str
    start: float
    end: float
    period: str
    source: str
    models: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    facts: tuple[tuple[str, Cell], ...] = ()
    sections: tuple[Section, ...] = field(default_factory=tuple)
    gaps: int = 0
    since: float | None = None


def document(report: Report) -> dict[str, Any]:
    """Return a report as plain data, for JSON; times are seconds since the epoch."""
    return asdict(report)
