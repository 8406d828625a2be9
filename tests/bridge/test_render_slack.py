from hypothesis import given
from hypothesis import strategies as st

from recwatch.testing.slack import find_fault
from recwatch_bridge.notification import Entry, Notification
from recwatch_bridge.sinks.render_slack import render_slack


def test_blocks() -> None:
    entry = Entry(
        "Title", ("a < b & <!channel>",), (("Value", "3.2"),), (("Runbook", "https://example.com/x"),)
    )
    payload = render_slack(Notification("[CRITICAL] Errors", "critical", (entry,), ("1 more.",)))
    header, section, note = payload["blocks"]
    assert header["text"] == {
        "type": "plain_text",
        "text": ":rotating_light: [CRITICAL] Errors",
        "emoji": True,
    }
    assert section["text"]["text"] == (
        "*Title*\na &lt; b &amp; &lt;!channel&gt;\nValue: 3.2\n<https://example.com/x|Runbook>"
    )
    assert note["text"]["text"] == "1 more."
    assert payload["text"].startswith("*[CRITICAL] Errors*\nTitle\na &lt; b")


def test_links_survive_a_long_text() -> None:
    entry = Entry("Title", ("&" * 3000,), (), (("Runbook", "https://example.com/x"),))
    text = render_slack(Notification("s", "info", (entry,)))["blocks"][1]["text"]["text"]
    assert len(text) <= 3000
    assert text.endswith("&amp;…\n<https://example.com/x|Runbook>")


@given(
    st.text(min_size=1, max_size=400),
    st.lists(st.text(alphabet="a&<> \n", max_size=2500), max_size=3),
    st.lists(st.text(alphabet="b&", min_size=1, max_size=900), max_size=3),
    st.integers(min_value=0, max_value=40),
)
def test_slack_takes_it(subject: str, texts: list[str], links: list[str], count: int) -> None:
    entry = Entry("t", tuple(texts), (("f", "v"),), tuple(("l", f"https://x/{link}") for link in links))
    payload = render_slack(Notification(subject, "info", (entry,) * count, ("n", "m")))
    assert find_fault(payload) is None
    for block in payload["blocks"][1:]:
        text = block["text"]["text"]
        # What is left of an entity would show, or swallow what follows.
        assert all(part.startswith(("amp;", "lt;", "gt;")) for part in text.split("&")[1:])
