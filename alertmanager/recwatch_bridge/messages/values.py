"""A message as the values that templates are rendered with: plain strings, lists and dictionaries."""

from collections.abc import Callable, Sequence
from typing import Any

from recwatch_bridge.clock import readable
from recwatch_bridge.messages.notification import Entry, Notification, Pairs
from recwatch_bridge.text import shorten

Escape = Callable[[str], str]


def note_values(
    said: Notification,
    *,
    kind: str,
    created: float,
    is_answer: bool = False,
    page: str = "",
    picture: str = "",
    escape: Escape = str,
) -> dict[str, Any]:
    """Return what every template knows.

    Args:
        said: what the message says.
        kind: `alerts` or `run`.
        created: when it was accepted, in seconds since the epoch.
        is_answer: whether it answers an earlier message.
        page: the address of the bridge's page, empty for none.
        picture: the address of the picture, empty for none.
        escape: for what came from outside.
    """
    return {
        "subject": escape(said.subject),
        "tone": said.tone,
        "kind": kind,
        "created": readable(created),
        "is_answer": is_answer,
        "entries": [entry_values(entry, escape) for entry in said.entries],
        "notes": [escape(note) for note in said.notes],
        "page": escape(page),
        "picture": escape(picture),
    }


def entry_values(
    entry: Entry, escape: Escape = str, *, longest: int | None = None, rows: int | None = None
) -> dict[str, Any]:
    """Return what templates know of an entry.

    Args:
        entry: the entry.
        escape: for what came from outside.
        longest: characters of a paragraph, at most.
        rows: rows to keep, at most; the last one then says how many are left out.
    """
    texts: Sequence[str] = entry.paragraphs
    if longest is not None:
        texts = [shorten(text, longest) for text in texts] if longest else ()
    kept = entry.rows if rows is None else entry.rows[:rows]
    left_out = len(entry.rows) - len(kept)
    told = [{"text": escape(row.text), "facts": _pairs(row.facts, "value", escape)} for row in kept]
    if left_out:
        told.append({"text": f"and {left_out} more", "facts": []})
    return {
        "title": escape(entry.title),
        "paragraphs": [escape(text) for text in texts],
        "facts": _pairs(entry.facts, "value", escape),
        "links": _pairs(entry.links, "url", escape),
        "rows": told,
    }


def _pairs(pairs: Pairs, second: str, escape: Escape) -> list[dict[str, str]]:
    return [{"name": escape(name), second: escape(value)} for name, value in pairs]
