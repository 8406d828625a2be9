"""The inbox as one HTML page that needs nothing from elsewhere. Everything that arrived is escaped here."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib import resources

from recwatch.testing.message import Message

__all__ = ["content_security_policy", "render_cards", "render_page"]

_LABELS = {"email": "Email", "slack": "Slack"}


def render_page(messages: Sequence[Message]) -> str:
    """The whole page: style, script and a card for each message, newest first."""
    files = resources.files("recwatch.testing")
    page = files.joinpath("page.html").read_text(encoding="utf-8")
    for name, content in (
        ("style", files.joinpath("page.css").read_text(encoding="utf-8")),
        ("script", _script()),
        ("cards", render_cards(messages)),
    ):
        page = page.replace(f"<!-- {name} -->", content)
    return page


def content_security_policy() -> str:
    """A policy under which the browser runs the page's own script and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; connect-src 'self'; "
        "img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def render_cards(messages: Sequence[Message]) -> str:
    """A card for each message, newest first, or a word that nothing has come yet."""
    if not messages:
        return '<p class="empty">Nothing has arrived yet. Alerts and retraining reports will appear here.</p>'
    return "\n".join(_card(message) for message in reversed(messages))


def _card(message: Message) -> str:
    at = message.at.astimezone()
    to = f'<span class="to">to {escape(message.to)}</span>' if message.to else ""
    text = f"<pre>{escape(message.text)}</pre>" if message.text else ""
    return (
        f'<article class="{escape(message.kind)}"><header>'
        f'<span class="kind">{_LABELS[message.kind]}</span>'
        f'<time datetime="{message.at.isoformat()}">{at:%Y-%m-%d %H:%M:%S}</time>{to}</header>'
        f"<h2>{escape(message.subject) or '(no subject)'}</h2>{text}</article>"
    )


def _script() -> str:
    return resources.files("recwatch.testing").joinpath("page.js").read_text(encoding="utf-8")
