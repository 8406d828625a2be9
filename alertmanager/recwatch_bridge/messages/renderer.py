"""What a sink sends for a row of the outbox: templates, links to the page and pictures come together here."""

from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.messages.render_email import Content, build_email, picture_address
from recwatch_bridge.messages.render_slack import escape, slack_payload
from recwatch_bridge.messages.template_set import Templates
from recwatch_bridge.messages.values import Escape, note_values
from recwatch_bridge.metrics import BridgeMetrics
from recwatch_bridge.storage.attachments import Attachment
from recwatch_bridge.text import one_line

_SUBJECT_LENGTH = 200


class PictureSource(Protocol):
    """Finds the picture that goes with a message."""

    def of(self, message: Message) -> bytes | None:
        """Return a PNG, or None where there is none; raises nothing."""


class AttachmentSource(Protocol):
    """Finds the file that goes with a message."""

    def of(self, message: Message) -> Attachment | None:
        """Return the file, or None where there is none."""


class Renderer:
    """Makes emails and Slack payloads; may be used by several threads.

    Args:
        templates_dir: holds templates that take the place of the built-in ones.
        external_url: where people reach the bridge's page, without a slash at its end.
        pictures: of metrics; None for none.
        attachments: files that go with messages; None for none.
        metrics: where templates that fail are counted.
    """

    def __init__(
        self,
        *,
        templates_dir: Path | None = None,
        external_url: str | None = None,
        pictures: PictureSource | None = None,
        attachments: AttachmentSource | None = None,
        metrics: BridgeMetrics | None = None,
    ) -> None:
        counter = None if metrics is None else metrics.template_errors
        self._templates = (
            Templates(templates_dir) if counter is None else Templates(templates_dir, counter.inc)
        )
        self._external_url = external_url
        self._pictures = pictures
        self._attachments = attachments

    def email(self, message: Message, *, sender: str, to: Sequence[str]) -> EmailMessage:
        """Make the email of a message; the same message always has the same Message-ID."""
        return build_email(message, self.content(message), sender=sender, to=to)

    def content(self, message: Message) -> Content:
        """Render what the email of a message holds."""
        said = message.notification
        picture = self._picture(message)
        values = self._values(message, said, "" if picture is None else picture_address(message))
        return Content(
            subject=self._subject(message, said),
            text=self._templates.render("email.txt", values).strip() + "\n",
            html=self._templates.render("email.html", values),
            picture=picture,
            attachment=None if self._attachments is None else self._attachments.of(message),
        )

    def slack(self, message: Message) -> dict[str, Any]:
        """Make the payload for a Slack webhook, within Slack's limits."""
        said = message.notification
        # A link, not an image: Slack refuses a message with an image that its servers cannot reach.
        picture = ""
        if self._external_url is not None and self._picture(message) is not None:
            picture = f"{self._external_url}/pictures/{message.uid}.png"
        values = self._values(message, said, picture, escape)

        def section(entry: Mapping[str, Any]) -> str:
            return self._templates.render("slack.txt", {**values, "entry": entry})

        return slack_payload(self._subject(message, said), said, section, page=self._page, picture=picture)

    @property
    def _page(self) -> str:
        return "" if self._external_url is None else f"{self._external_url}/"

    def _subject(self, message: Message, said: Notification) -> str:
        rendered = self._templates.render("subject.txt", self._values(message, said))
        return one_line(rendered, _SUBJECT_LENGTH) or said.subject

    def _values(
        self, message: Message, said: Notification, picture: str = "", escaped: Escape = str
    ) -> dict[str, Any]:
        return note_values(
            said,
            kind=message.kind,
            created=message.created,
            is_answer=message.reply_to is not None,
            page=self._page,
            picture=picture,
            escape=escaped,
        )

    def _picture(self, message: Message) -> bytes | None:
        return None if self._pictures is None else self._pictures.of(message)
