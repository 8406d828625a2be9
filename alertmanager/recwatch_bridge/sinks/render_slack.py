"""A message as Slack blocks, within Slack's limits and with its three special characters escaped.

Limits (https://docs.slack.dev/reference/block-kit/blocks): header 150, section 3,000 characters, 50 blocks.
"""

from typing import Any

from recwatch_bridge.notification import Entry, Notification, Tone
from recwatch_bridge.sinks.render_email import render_text
from recwatch_bridge.text import shorten

HEADER_LENGTH = 150
SECTION_LENGTH = 3_000
MAX_BLOCKS = 50
TEXT_LENGTH = 3_000
_SIGNS: dict[Tone, str] = {
    "info": ":information_source:",
    "warning": ":warning:",
    "critical": ":rotating_light:",
    "resolved": ":white_check_mark:",
}


def render_slack(said: Notification) -> dict[str, Any]:
    """Return the payload for an incoming webhook; `text` is what notifications show."""
    header = f"{_SIGNS[said.tone]} {said.subject}"
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": shorten(header, HEADER_LENGTH), "emoji": True},
        }
    ]
    blocks += [_section(_entry(entry)) for entry in said.entries]
    blocks += [_section(escape(note)) for note in said.notes]
    text = f"*{escape(said.subject)}*\n{escape(shorten(render_text(said), TEXT_LENGTH))}"
    return {"text": text, "blocks": blocks[:MAX_BLOCKS]}


def escape(text: str) -> str:
    """Escape what Slack reads as markup; nothing else can mention somebody or make a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION_LENGTH)}}


def _entry(entry: Entry) -> str:
    lines = [f"*{escape(entry.title)}*", *(escape(text) for text in entry.paragraphs)]
    lines += [f"{escape(name)}: {escape(value)}" for name, value in entry.facts]
    if entry.links:
        lines.append(" · ".join(f"<{escape(url)}|{escape(name)}>" for name, url in entry.links))
    kept = "\n".join(lines)
    if len(kept) > SECTION_LENGTH and entry.links:
        # The links are worth more than the end of a long text, and must not be cut in two.
        room = SECTION_LENGTH - len(lines[-1]) - 1
        return (
            _cut("\n".join(lines[:-1]), max(room, 0)) + "\n" + lines[-1] if room > 0 else _cut(lines[0], 300)
        )
    return kept


def _cut(text: str, limit: int) -> str:
    """Cut escaped text, but not within `&amp;`."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    start = kept.rfind("&", len(kept) - 4)
    return (kept[:start] if start >= 0 and ";" not in kept[start:] else kept) + "…"
