from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recwatch_bridge.delivering.outbox import Message
from recwatch_bridge.messages.notification import Notification
from recwatch_bridge.messages.render_email import Content, build_email, picture_address
from recwatch_bridge.text import one_line

SAID = Notification("[WARNING] Drift", "warning", ())
HEADERS = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}


def sent(row: Message, subject: str = "[WARNING] Drift", picture: bytes | None = None) -> EmailMessage:
    content = Content(subject, "text\n", f'<img src="{picture_address(row)}">', picture)
    email = build_email(row, content, sender="alerts@example.com", to=["a@example.com", "b@example.com"])
    return message_from_bytes(email.as_bytes(), policy=default)


def test_headers(message: Any) -> None:
    email = sent(message(SAID, reply_to="u0"))
    assert (
        dict(email.items()).items()
        >= {
            "Subject": "[WARNING] Drift",
            "From": "alerts@example.com",
            "To": "a@example.com, b@example.com",
            "Date": "Fri, 15 Jan 2027 08:00:00 +0000",
            "Message-ID": "<u1@recwatch.example.com>",
            "In-Reply-To": "<u0@recwatch.example.com>",
            "References": "<u0@recwatch.example.com>",
            "Auto-Submitted": "auto-generated",
        }.items()
    )


def test_first_message_answers_none(message: Any) -> None:
    assert sent(message(SAID))["In-Reply-To"] is None


def test_text_comes_before_html(message: Any) -> None:
    email = sent(message(SAID))
    assert [part.get_content_type() for part in email.iter_parts()] == ["text/plain", "text/html"]


def test_picture_is_in_the_email_and_the_html_names_it(message: Any) -> None:
    row = message(SAID)
    email = sent(row, picture=b"\x89PNG")
    html = email.get_body(("html",))
    assert html is not None
    [picture] = [part for part in email.walk() if part.get_content_type() == "image/png"]
    assert picture.get_payload(decode=True) == b"\x89PNG"
    assert picture.get_filename() == "metric.png"
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html.get_content()


def test_a_header_cannot_be_injected(message: Any) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        sent(message(SAID), "x\r\nBcc: victim@example.com")


@given(st.text(max_size=300))
@example("0 \u00a1\u00a1" + "\u0800" * 10 + " \u00a1")  # folded at the last blank
def test_any_subject_that_an_alert_makes_arrives(message: Any, text: str) -> None:
    subject = one_line(f"[INFO] {text}", 150)
    email = sent(message(SAID), subject)
    # Folding may turn runs of blanks into one; nothing else changes, and no header is added.
    assert str(email["Subject"]).split() == subject.split()
    assert set(email.keys()) == HEADERS
