"""A notice: what the bridge tells by itself, in one form."""

from collections.abc import Iterable

from recwatch_bridge.messages.notification import (
    FACT_LENGTH,
    TEXT_LENGTH,
    TITLE_LENGTH,
    Entry,
    Notification,
    Tone,
)
from recwatch_bridge.text import one_line, paragraphs

_SUBJECT_LENGTH = 200


def notice(
    tone: Tone, headline: str, texts: Iterable[str], facts: Iterable[tuple[str, str]] = ()
) -> Notification:
    """Make a notice; texts may come from outside, and empty ones are left out.

    Args:
        tone: how it is to be taken.
        headline: a line, such as `Retraining failed: als`.
        texts: its paragraphs.
        facts: names and values.
    """
    entry = Entry(
        title=one_line(headline, TITLE_LENGTH),
        paragraphs=tuple(paragraphs(text, TEXT_LENGTH) for text in texts if text),
        facts=tuple((name, one_line(value, FACT_LENGTH)) for name, value in facts if value),
    )
    return Notification(one_line(f"[{tone.upper()}] {headline}", _SUBJECT_LENGTH), tone, (entry,))
