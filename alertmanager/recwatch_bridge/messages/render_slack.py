"""A message as Slack blocks, within Slack's limits and with its three special characters escaped.

Limits (https://docs.slack.dev/reference/block-kit/blocks): header 150, section 3,000 characters, 50 blocks.
All blocks together may hold about 12,000 characters, which is not documented
(https://github.com/slackapi/bolt-js/issues/2509).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from recwatch_bridge.messages.notification import Entry, Notification, Tone
from recwatch_bridge.messages.values import entry_values
from recwatch_bridge.text import shorten

Section = Callable[[Mapping[str, Any]], str]
"""Renders an entry, from its values."""

HEADER_LENGTH = 150
SECTION_LENGTH = 3_000
ALL_SECTIONS = 10_000
MAX_BLOCKS = 50
TEXT_LENGTH = 3_000
_SHORTEST_SECTION = 200
_SIGNS: dict[Tone, str] = {
    "info": ":information_source:",
    "warning": ":warning:",
    "critical": ":rotating_light:",
    "resolved": ":white_check_mark:",
}
# Longest paragraph and most rows: a section that is too long is made again with the next.
_SHORTER = ((None, None), (300, 20), (100, 8), (0, 3), (0, 0))


def slack_payload(
    subject: str, said: Notification, section: Section, *, page: str = "", picture: str = ""
) -> dict[str, Any]:
    """Return the payload for an incoming webhook; `text` is what notifications show.

    Args:
        subject: a line.
        said: what the message says.
        section: renders an entry from values that are escaped.
        page: the address of the bridge's page, empty for none.
        picture: the address of the picture, empty for none.
    """
    links = [("Picture of the metric", picture), ("Messages and retrainings", page)]
    remarks = [escape(note) for note in said.notes]
    remarks += [f"<{escape(url)}|{name}>" for name, url in links if url]
    # The header, what is left out, and a block for each remark.
    sections = _sections(said.entries, section, MAX_BLOCKS - 2 - len(remarks))
    left_out = len(said.entries) - len(sections)
    if left_out:
        remarks.insert(0, f"{left_out} more are not shown here.")
    header = shorten(f"{_SIGNS[said.tone]} {subject}", HEADER_LENGTH)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": True}}
    ]
    blocks += [{"type": "section", "text": _mrkdwn(text)} for text in sections]
    blocks += [{"type": "context", "elements": [_mrkdwn(text)]} for text in remarks]
    return {
        "text": f"*{escape(subject)}*\n{escape(shorten(_plain(said), TEXT_LENGTH))}",
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escape(text: str) -> str:
    """Escape what Slack reads as markup; nothing else can mention somebody or make a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: nothing that an alert says, such as @channel, becomes a mention.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _sections(entries: Sequence[Entry], section: Section, most: int) -> list[str]:
    """Render as many entries as fit; each may be as long as what is left for it and those after it."""
    told: list[str] = []
    left = ALL_SECTIONS
    for number, entry in enumerate(entries[:most]):
        share = left // (min(len(entries), most) - number)
        text = _fitting(entry, section, min(SECTION_LENGTH, max(share, _SHORTEST_SECTION)))
        told.append(text)
        left -= len(text)
    return told


def _fitting(entry: Entry, section: Section, limit: int) -> str:
    text = ""
    for longest, rows in _SHORTER:
        text = section(entry_values(entry, escape, longest=longest, rows=rows)).strip()
        if 0 < len(text) <= limit:
            return text
    # Whole lines: neither a link nor an entity may be cut in two.
    kept = ""
    for line in text.split("\n"):
        if len(kept) + 1 + len(line) > limit:
            break
        kept = f"{kept}\n{line}" if kept else line
    # An escaped character takes five at most.
    return kept.strip() or f"*{escape(shorten(entry.title, limit // 5 - 2)) or '-'}*"


def _plain(said: Notification) -> str:
    texts = [text for entry in said.entries for text in (entry.title, *entry.paragraphs)]
    texts += [row.text for entry in said.entries for row in entry.rows]
    return "\n".join([*texts, *said.notes])
