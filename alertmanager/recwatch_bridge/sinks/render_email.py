"""A message as an email: plain text, HTML, and headers that make threads."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from recwatch_bridge.clock import moment
from recwatch_bridge.notification import Entry, Notification, Tone
from recwatch_bridge.outbox import Message

_COLOURS: dict[Tone, str] = {
    "info": "#0969da",
    "warning": "#9a6700",
    "critical": "#cf222e",
    "resolved": "#1a7f37",
}


def render_email(message: Message, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """Make the email of an outbox row; the same row always gives the same Message-ID."""
    said = message.notification
    domain = sender.rpartition("@")[2]
    email = EmailMessage(policy=SMTP)
    # EmailMessage refuses line breaks in headers: what an alert says cannot add one.
    email["Subject"] = message.subject
    email["From"] = sender
    email["To"] = ", ".join(to)
    email["Date"] = format_datetime(moment(message.created))
    email["Message-ID"] = _message_id(message.uid, domain)
    if message.reply_to is not None:
        email["In-Reply-To"] = email["References"] = _message_id(message.reply_to, domain)
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(render_text(said))
    email.add_alternative(_html(said), subtype="html")
    return email


def render_text(said: Notification) -> str:
    """Write a notification as plain text."""
    blocks = [_entry_text(entry) for entry in said.entries]
    return "\n\n".join([*blocks, *said.notes]) + "\n"


def _message_id(uid: str, domain: str) -> str:
    return f"<{uid}@recwatch.{domain}>"


def _entry_text(entry: Entry) -> str:
    facts = [f"{name}: {value}" for name, value in (*entry.facts, *entry.links)]
    return "\n".join([entry.title, *entry.paragraphs, *facts])


def _html(said: Notification) -> str:
    body = "".join(_entry_html(entry, _COLOURS[said.tone]) for entry in said.entries)
    notes = "".join(f"<p>{escape(note)}</p>" for note in said.notes)
    return (
        '<!doctype html><html><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;font-size:14px;color:#1f2328;max-width:40em">'
        f"{body}{notes}</body></html>\n"
    )


def _entry_html(entry: Entry, colour: str) -> str:
    texts = "".join(f"<p>{escape(text).replace(chr(10), '<br>')}</p>" for text in entry.paragraphs)
    rows = "".join(
        f'<tr><td style="color:#59636e;padding-right:1em">{escape(name)}</td><td>{escape(value)}</td></tr>'
        for name, value in entry.facts
    )
    links = " · ".join(f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in entry.links)
    return (
        f'<div style="border-left:4px solid {colour};padding-left:1em;margin-bottom:1.5em">'
        f"<h3>{escape(entry.title)}</h3>{texts}<table>{rows}</table><p>{links}</p></div>"
    )
