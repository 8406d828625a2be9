from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch_exporter.config import Check
from recwatch_exporter.process.state import Point
from recwatch_exporter.results import Finding
from recwatch_exporter.web.finding_card import finding_card
from recwatch_exporter.web.findings import view_of

MakeCheck = Callable[..., Check]
MakeFinding = Callable[..., Finding]
HTML = {
    *("article", "section", "div", "h3", "bdi", "small", "span", "p", "b", "dl", "dt", "dd", "pre"),
    *("figure", "figcaption", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "title", "text", "rect", "line", "path", "circle"),
}


class Tags(HTMLParser):
    """The tags and attributes that a browser would see."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


text = st.text(alphabet=st.characters(exclude_categories=())) | st.sampled_from(
    [
        "</text><script>",
        "<!--",
        "]]>",
        '" onload=alert(1) x="',
        "</pre><img src=x onerror=y>",
        "&lt;",
        "\ud800",
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
shares = st.lists(st.floats(0, 1), min_size=3, max_size=3)


@settings(max_examples=150)
@given(
    name=text,
    segment=text,
    error=st.none() | text,
    details=st.fixed_dictionaries(
        {},
        optional={
            "bins": st.fixed_dictionaries(
                {"labels": st.lists(text, min_size=3, max_size=3), "reference": shares, "current": shares}
            )
            | anything,
            "worst": st.lists(st.dictionaries(text, anything, min_size=1, max_size=3), max_size=3) | anything,
            "features": st.lists(st.fixed_dictionaries({"feature": text, "importance": st.floats()}))
            | anything,
            "other": anything,
        },
    ),
)
def test_whatever_the_data_holds_is_text(
    *,
    name: str,
    segment: str,
    error: str | None,
    details: dict[str, Any],
    check: MakeCheck,
    finding: MakeFinding,
) -> None:
    made = check(segment_by="country", permutations=9999)
    found = finding(made, feature=name, segment=segment, error=error, details=details)
    points = [Point(at, 0.1, 0.1, 0.5, detected=at > 1) for at in range(3)]
    drawn = finding_card(made, view_of(made, found), points)
    drawn.encode("utf-8")
    tags = Tags(drawn)
    assert tags.seen <= HTML
    assert not {name for name in tags.attributes if name.startswith("on")} | (
        tags.attributes & {"style", "src"}
    )
    assert tags.open == [], "every tag is closed"


def test_a_finding_without_a_figure_has_no_dial(check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    drawn = finding_card(made, view_of(made, finding(made, None, error="gone: write it")), [])
    assert "gone: write it" in drawn
    assert "dial" not in drawn


def test_importances_are_drawn(check: MakeCheck, finding: MakeFinding) -> None:
    made = check()
    details = {"features": [{"feature": "age", "importance": 0.3}]}
    drawn = finding_card(made, view_of(made, finding(made, details=details)), [])
    assert "What tells the windows apart" in drawn
    assert "<title>age: 0.3</title>" in drawn
