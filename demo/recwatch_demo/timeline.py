"""The demo's timeline: which steps there are, what each waits for, and what was seen of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

Probe = Callable[[], str | None]
"""Looks at the real component and says what it saw, or None while it has not happened."""


@dataclass(frozen=True)
class Step:
    """One thing that has to happen.

    Attributes:
        name: its name in timeline.json.
        title: what a person reads.
        probe: asked again and again until it says something.
        after: names of the steps that must have happened before this one is asked for.
    """

    name: str
    title: str
    probe: Probe
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A step that happened."""

    step: str
    title: str
    at: datetime
    evidence: str


@dataclass
class Timeline:
    """The steps, and the entries of those that happened, in the order in which they were seen."""

    steps: Sequence[Step]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    entries: list[Entry] = field(default_factory=list)

    @property
    def missing(self) -> list[Step]:
        """The steps that have not happened yet."""
        seen = {entry.step for entry in self.entries}
        return [step for step in self.steps if step.name not in seen]

    def look(self) -> list[Entry]:
        """Ask for every step whose turn it is; return the entries that are new."""
        before = len(self.entries)
        for step in self.missing:
            if set(step.after) <= {entry.step for entry in self.entries} and (evidence := step.probe()):
                self.note(step.name, step.title, evidence)
        return self.entries[before:]

    def note(self, name: str, title: str, evidence: str) -> Entry:
        """Add an entry by hand: what the demo did itself, or what happened more than once."""
        entry = Entry(name, title, self.now(), evidence)
        self.entries.append(entry)
        return entry

    def write(self, path: Path) -> None:
        """Write the entries as a JSON list of `{"step", "at", "evidence"}`."""
        rows = [
            {
                "step": entry.step,
                "at": entry.at.isoformat(timespec="milliseconds"),
                "evidence": entry.evidence,
            }
            for entry in self.entries
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
