"""What a message says, before a sink gives it its form; kept in the outbox as JSON."""

import json
from dataclasses import dataclass
from typing import Any, Literal, Self

Tone = Literal["info", "warning", "critical", "resolved"]
"""How a message is to be taken; also its colour."""

TITLE_LENGTH = 150
TEXT_LENGTH = 1_000
FACT_LENGTH = 200
"""Characters of an entry's title, of a paragraph and of a fact, at most."""

Pairs = tuple[tuple[str, str], ...]
"""Names and values, in order."""


@dataclass(frozen=True)
class Row:
    """One alert of several that are told of together.

    Attributes:
        text: a line.
        facts: names and values; every row of an entry has the same names.
    """

    text: str
    facts: Pairs = ()


@dataclass(frozen=True)
class Entry:
    """One alert of a message, several of one name, or the one thing that a notice tells.

    Attributes:
        title: a line.
        paragraphs: text, each may have several lines.
        facts: names and values, such as ("Threshold", "0.2").
        links: names and http(s) addresses.
        rows: the alerts, where the entry is about several.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    facts: Pairs = ()
    links: Pairs = ()
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Graph:
    """What a picture for a message shows: the expression of an alert's rule.

    Attributes:
        alert: the rule's name.
        since: when the first of the alerts began, in seconds since the epoch.
        labels: of the alerts, whose series are drawn.
    """

    alert: str
    since: float
    labels: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Notification:
    """A message for people, the same for every sink. All texts are free of control characters."""

    subject: str
    tone: Tone
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()
    graph: Graph | None = None

    def to_json(self) -> str:
        """Write it as JSON; `from_json` reads it back."""
        return json.dumps(self, default=vars, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote, now or in an earlier version."""
        data = json.loads(text)
        graph = data.get("graph")
        return cls(
            subject=data["subject"],
            tone=data["tone"],
            entries=tuple(_entry(entry) for entry in data["entries"]),
            notes=tuple(data["notes"]),
            graph=None if graph is None else Graph(graph["alert"], graph["since"], tuple(graph["labels"])),
        )


def _entry(data: dict[str, Any]) -> Entry:
    return Entry(
        title=data["title"],
        paragraphs=tuple(data["paragraphs"]),
        facts=_pairs(data["facts"]),
        links=_pairs(data["links"]),
        rows=tuple(Row(row["text"], _pairs(row["facts"])) for row in data.get("rows", ())),
    )


def _pairs(data: list[list[str]]) -> Pairs:
    return tuple((name, value) for name, value in data)
