"""What a message says, before a sink gives it its form; kept in the outbox as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Literal, Self

Tone = Literal["info", "warning", "critical", "resolved"]
"""How a message is to be taken; also its colour."""


@dataclass(frozen=True)
class Entry:
    """One alert of a message, or the one thing that a notice tells.

    Attributes:
        title: a line.
        paragraphs: text, each may have several lines.
        facts: names and values, such as ("Threshold", "0.2").
        links: names and http(s) addresses.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Notification:
    """A message for people, the same for every sink. All texts are free of control characters."""

    subject: str
    tone: Tone
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Write it as JSON; `from_json` reads it back."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        entries = tuple(
            Entry(
                title=entry["title"],
                paragraphs=tuple(entry["paragraphs"]),
                facts=tuple((name, value) for name, value in entry["facts"]),
                links=tuple((name, value) for name, value in entry["links"]),
            )
            for entry in data["entries"]
        )
        return cls(subject=data["subject"], tone=data["tone"], entries=entries, notes=tuple(data["notes"]))
