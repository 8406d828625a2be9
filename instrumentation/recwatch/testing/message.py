"""One form for what arrives by mail and by Slack, as the inbox shows it."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Literal

__all__ = ["Message", "from_email", "from_slack"]


@dataclass(frozen=True)
class Message:
    """A message that arrived.

    Attributes:
        kind: `email` or `slack`.
        at: when it arrived, aware.
        subject: the mail's subject, or the Slack message's header or first line.
        text: its body as plain text.
        to: the mail's recipients; for Slack the channel, where the payload names one.
    """

    kind: Literal["email", "slack"]
    at: datetime
    subject: str
    text: str
    to: str


def from_email(email: EmailMessage, at: datetime) -> Message:
    """Read a mail: its plain part, or its HTML source where there is no plain part."""
    part = email.get_body(("plain", "html"))
    text = str(part.get_content()) if part is not None else ""
    return Message("email", at, str(email["Subject"] or "").strip(), text.strip(), str(email["To"] or ""))


def from_slack(payload: dict[str, Any], at: datetime) -> Message:
    """Read a Slack payload: a header block is the subject, else the first line of `text` is."""
    blocks = [block for block in payload.get("blocks") or [] if isinstance(block, dict)]
    texts = [(str(block.get("type")), text) for block in blocks if (text := _block_text(block))]
    fallback = str(payload.get("text") or "")
    header = next((text for kind, text in texts if kind == "header"), None)
    body = "\n\n".join(text for kind, text in texts if kind != "header")
    first, _, rest = fallback.partition("\n")
    attachments = [
        _attachment_text(item) for item in payload.get("attachments") or [] if isinstance(item, dict)
    ]
    text = "\n\n".join(part for part in (body or (fallback if header else rest), *attachments) if part)
    return Message("slack", at, header or first, text.strip(), str(payload.get("channel") or ""))


def _block_text(block: dict[str, Any]) -> str:
    parts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or [])]
    return "\n".join(
        str(part["text"]) for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _attachment_text(attachment: dict[str, Any]) -> str:
    return "\n".join(str(attachment[key]) for key in ("title", "text", "fallback") if attachment.get(key))
