from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recwatch.testing.slack import find_fault
from recwatch_bridge.messages.notification import Entry, Notification, Row
from recwatch_bridge.messages.render_slack import slack_payload
from recwatch_bridge.messages.template_set import Templates

TEMPLATES = Templates()


def section(entry: Mapping[str, Any]) -> str:
    return TEMPLATES.render("slack.txt", {"entry": entry})


def payload_of(said: Notification, **links: str) -> dict[str, Any]:
    return slack_payload(said.subject, said, section, **links)


def texts(payload: dict[str, Any]) -> list[str]:
    blocks = payload["blocks"][1:]
    return [
        (block["text"] if block["type"] == "section" else block["elements"][0])["text"] for block in blocks
    ]


def test_blocks() -> None:
    entry = Entry(
        "Title",
        ("a < b & <!channel>",),
        (("Value", "3.2"),),
        (("Runbook", "https://example.com/x"), ("Query", "https://example.com/?a=1&b=2")),
        (Row("check=a", (("Since", "noon"),)),),
    )
    payload = payload_of(Notification("[CRITICAL] Errors", "critical", (entry,), ("1 more & so on.",)))
    assert payload["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": ":rotating_light: [CRITICAL] Errors",
        "emoji": True,
    }
    assert texts(payload) == [
        (
            "*Title*\na &lt; b &amp; &lt;!channel&gt;\n• check=a; since noon\nValue: 3.2\n"
            "<https://example.com/x|Runbook> · <https://example.com/?a=1&amp;b=2|Query>"
        ),
        "1 more &amp; so on.",
    ]
    assert payload["text"].startswith("*[CRITICAL] Errors*\nTitle\na &lt; b")


def test_links_to_the_picture_and_the_page() -> None:
    said = Notification("s", "info", (Entry("Title"),))
    payload = payload_of(
        said, page="https://bridge.example/", picture="https://bridge.example/pictures/u.png"
    )
    assert texts(payload)[1:] == [
        "<https://bridge.example/pictures/u.png|Picture of the metric>",
        "<https://bridge.example/|Messages and retrainings>",
    ]


def test_nothing_is_unfurled_or_parsed() -> None:
    payload = payload_of(Notification("s", "info", (Entry("@channel"),)))
    assert payload["blocks"][1]["text"] == {"type": "mrkdwn", "text": "*@channel*", "verbatim": True}
    assert (payload["unfurl_links"], payload["unfurl_media"]) == (False, False)


def test_links_survive_a_long_text() -> None:
    entry = Entry("Title", ("&" * 1000,), (), (("Runbook", "https://example.com/x"),))
    [text] = texts(payload_of(Notification("s", "info", (entry,))))
    assert len(text) <= 3000
    assert text.endswith("&amp;…\n<https://example.com/x|Runbook>")


def test_rows_that_do_not_fit_are_counted() -> None:
    entry = Entry("Title", rows=tuple(Row(f"{number} " + "x" * 190) for number in range(50)))
    [text] = texts(payload_of(Notification("s", "info", (entry,))))
    assert text.endswith("• and 42 more")


def test_entries_that_do_not_fit_are_counted() -> None:
    entries = tuple(Entry(f"Title {number}", ("x" * 1000,)) for number in range(60))
    payload = payload_of(Notification("s", "info", entries, ("note",)))
    assert len(payload["blocks"]) == 50
    assert texts(payload)[-2:] == ["13 more are not shown here.", "note"]


@given(
    st.text(min_size=1, max_size=400),
    st.lists(st.text(alphabet="a&<> \n", max_size=1000), max_size=3),
    st.lists(st.text(alphabet="b&", min_size=1, max_size=900), max_size=3),
    st.integers(min_value=0, max_value=60),
    st.integers(min_value=0, max_value=50),
)
def test_slack_takes_it(subject: str, said: list[str], links: list[str], count: int, rows: int) -> None:
    entry = Entry(
        "t<&>" * 30,
        tuple(said),
        (("f", "v"),),
        tuple(("l", f"https://x/{link}") for link in links),
        (Row("<&>" * 60, (("f", "v"),)),) * rows,
    )
    payload = payload_of(Notification(subject, "info", (entry,) * count, ("n", "m")), page="https://x/")
    assert find_fault(payload) is None
    assert sum(len(text) for text in texts(payload)) < 12_000
    for text in texts(payload):
        # What is left of an entity or a link would show, or swallow what follows.
        assert text
        assert all(part.startswith(("amp;", "lt;", "gt;")) for part in text.split("&")[1:])
        assert text.count("<") == text.count(">") == text.count("|")
