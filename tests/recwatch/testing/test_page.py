import re
from datetime import UTC, datetime

from recwatch.testing.message import Message
from recwatch.testing.page import content_security_policy, render_cards, render_page

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def test_an_empty_inbox_says_so() -> None:
    assert "Nothing has arrived yet" in render_page([])


def test_everything_that_arrived_is_escaped() -> None:
    evil = '<script>alert("x")</script>'
    cards = render_cards([Message("email", AT, evil, f"</pre>{evil}", f'"{evil}')])
    assert "<script" not in cards
    assert cards.count("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;") == 3


def test_the_newest_comes_first_with_kind_time_subject_and_text() -> None:
    cards = render_cards(
        [Message("email", AT, "first", "text 1", "a@example.com"), Message("slack", AT, "", "", "")]
    )
    assert cards.index("Slack") < cards.index("Email")
    assert 'datetime="2026-11-21T03:15:00+00:00"' in cards
    assert "(no subject)" in cards
    assert "<pre>text 1</pre>" in cards
    assert "to a@example.com" in cards


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = render_page([Message("slack", AT, "Drift", "text", "#ml")])
    assert not re.search(r"""(src|href)=["'](?!data:)|@import|https?://""", page)
    assert "prefers-color-scheme: dark" in page
    assert "<!-- " not in page
    assert "script-src 'sha256-" in content_security_policy()
