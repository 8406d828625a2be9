from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from recwatch.testing.message import from_email, from_slack

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def test_a_mail_shows_its_plain_part() -> None:
    email = EmailMessage()
    email["Subject"], email["To"] = "Drift ½", "a@example.com, b@example.com"
    email.set_content("plain")
    email.add_alternative("<p>html</p>", subtype="html")
    message = from_email(email, AT)
    assert (message.kind, message.at) == ("email", AT)
    assert (message.subject, message.text, message.to) == ("Drift ½", "plain", "a@example.com, b@example.com")


def test_a_mail_without_anything_is_shown_too() -> None:
    message = from_email(message_from_bytes(b"", policy=policy.default), AT)
    assert (message.subject, message.text, message.to) == ("", "", "")


def test_a_slack_text_is_split_at_its_first_line() -> None:
    message = from_slack({"text": "Drift\nratings\nof als", "channel": "#ml"}, AT)
    assert (message.subject, message.text, message.to) == ("Drift", "ratings\nof als", "#ml")


def test_slack_blocks_are_read_in_order() -> None:
    payload = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Drift"}},
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*als*"},
                "fields": [{"text": "p = 0.002"}],
            },
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "runbook"}]},
            {"type": "divider"},
        ],
        "attachments": [{"title": "Chart", "text": "below"}],
    }
    message = from_slack(payload, AT)
    assert message.subject == "Drift"
    assert message.text == "*als*\np = 0.002\n\nrunbook\n\nChart\nbelow"
