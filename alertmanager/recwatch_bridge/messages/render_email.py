"""A message as an email: plain text, HTML with its picture, and headers that make threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from recwatch_bridge.clock import moment
from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.storage.attachments import Attachment

PICTURE = "metric.png"
"""The name of the picture, for those who save it."""


@dataclass(frozen=True)
class Content:
    """What an email holds.

    Attributes:
        subject: a line.
        text: for those who read no HTML.
        html: shows the picture, if there is one, from `picture_address`.
        picture: a PNG.
        attachment: a file beside the message.
    """

    subject: str
    text: str
    html: str
    picture: bytes | None = None
    attachment: Attachment | None = None


def picture_address(message: Message) -> str:
    """Return where the HTML of an email finds its picture: within the email."""
    return f"cid:{message.uid}.picture@recwatch"


def build_email(message: Message, content: Content, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """Make the email of an outbox row; the same row always gives the same Message-ID."""
    domain = sender.rpartition("@")[2]
    email = EmailMessage(policy=SMTP)
    # EmailMessage refuses line breaks in headers: what an alert says cannot add one.
    email["Subject"] = content.subject
    # But it loses blanks between words that are not ASCII where it folds a line; Header does not.
    del email["Subject"]
    email.set_raw("Subject", Header(content.subject, header_name="Subject").encode())
    email["From"] = sender
    email["To"] = ", ".join(to)
    email["Date"] = format_datetime(moment(message.created))
    email["Message-ID"] = _message_id(message.uid, domain)
    if message.reply_to is not None:
        email["In-Reply-To"] = email["References"] = _message_id(message.reply_to, domain)
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(content.text)
    email.add_alternative(content.html, subtype="html")
    if content.picture is not None:
        html = email.get_body(("html",))
        if isinstance(html, EmailMessage):
            name = picture_address(message).removeprefix("cid:")
            html.add_related(
                content.picture, "image", "png", cid=f"<{name}>", filename=PICTURE, disposition="inline"
            )
    if content.attachment is not None:
        email.add_attachment(
            content.attachment.content,
            maintype="text",
            subtype="html",
            filename=content.attachment.name,
            params={"charset": "utf-8"},
        )
    return email


def _message_id(uid: str, domain: str) -> str:
    return f"<{uid}@recwatch.{domain}>"
