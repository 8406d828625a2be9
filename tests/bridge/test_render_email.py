from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.notification import Entry, Notification
from recwatch_bridge.outbox import Message
from recwatch_bridge.sinks.render_email import render_email
from recwatch_bridge.text import one_line

ENTRY = Entry(
    "DriftDetected (warning, firing)",
    ("a < b & c",),
    (("Value", "3.2"),),
    (("Runbook", 'https://example.com/?a=1&b="'),),
)


def message(subject: str = "[WARNING] Drift", reply_to: str | None = None) -> Message:
    said = Notification(subject, "warning", (ENTRY,), ("1 more.",))
    return Message(
        id=1,
        uid="u1",
        sink="email",
        kind="alerts",
        subject=subject,
        body=said.to_json(),
        reply_to=reply_to,
        state="pending",
        attempts=0,
        created=1_800_000_000.0,
        next_attempt=1_800_000_000.0,
        finished=None,
        error=None,
    )


def sent(row: Message) -> EmailMessage:
    email = render_email(row, sender="alerts@example.com", to=["a@example.com", "b@example.com"])
    return message_from_bytes(email.as_bytes(), policy=default)


def test_headers() -> None:
    email = sent(message(reply_to="u0"))
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


def test_first_message_answers_none() -> None:
    assert sent(message())["In-Reply-To"] is None


def test_text_and_html() -> None:
    email = sent(message())
    plain, html = email.get_body(("plain",)), email.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n") == (
        "DriftDetected (warning, firing)\na < b & c\nValue: 3.2\n"
        'Runbook: https://example.com/?a=1&b="\n\n1 more.\n'
    )
    assert "a &lt; b &amp; c" in html.get_content()
    assert 'href="https://example.com/?a=1&amp;b=&quot;"' in html.get_content()


def test_a_header_cannot_be_injected() -> None:
    with pytest.raises(ValueError, match="linefeed"):
        render_email(
            message("x\r\nBcc: victim@example.com"), sender="alerts@example.com", to=["a@example.com"]
        )


@given(st.text(max_size=300))
def test_any_subject_that_an_alert_makes_arrives(text: str) -> None:
    subject = one_line(f"[INFO] {text}", 150)
    email = sent(message(subject))
    # Folding may turn runs of blanks into one; nothing else changes, and no header is added.
    assert str(email["Subject"]).split() == subject.split()
    assert set(email.keys()) == {
        "Subject",
        "From",
        "To",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
