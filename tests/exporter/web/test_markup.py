import pytest

from recwatch_exporter.web.markup import Markup, clean, join, tag


def test_what_is_not_markup_is_escaped() -> None:
    assert tag("b", "<i>", tag("i", "&"), 3, None) == "<b>&lt;i&gt;<i>&amp;</i>3</b>"
    assert tag("a", "x", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">x</a>'
    assert join(["a<b", Markup("<br>")]) == "a&lt;b<br>"


def test_attributes() -> None:
    drawn = tag("rect", class_="a", aria_label="b", x=1.005, width=2.0, hidden=True, id=None, title=False)
    assert drawn == '<rect class="a" aria-label="b" x="1" width="2" hidden/>'
    assert tag("svg", viewBox="0 0 1 1") == '<svg viewBox="0 0 1 1"></svg>'
    assert tag("input", name="q", value="") == '<input name="q" value="">'


@pytest.mark.parametrize("unfit", ["\0", "\x1b", "\x85", "\u202e", "\u2066", "\u2028", "\ud800", "\uffff"])
def test_characters_that_a_browser_would_not_show_as_they_stand(unfit: str) -> None:
    assert clean(f"a{unfit}b") == "a\N{REPLACEMENT CHARACTER}b"
    tag("b", unfit, title=unfit).encode()


def test_lines_and_letters_stay() -> None:
    text = "a\tb\nc é 漢 עב 🎬"
    assert clean(text) == text


def test_long_text_is_cut() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"
