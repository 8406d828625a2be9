import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from recwatch_bridge.text import one_line, paragraphs


def test_one_line_keeps_words_apart() -> None:
    assert one_line("a\r\nBcc: x\t\x00y\u202ez\x1b[0m", 100) == "a Bcc: x yz[0m"
    assert one_line("abcdef", 4) == "abc…"


def test_paragraphs_keep_line_breaks() -> None:
    assert paragraphs(" a\r\n\x07b\n", 100) == "a\nb"


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert not [char for char in one_line(text, 50) if unicodedata.category(char).startswith("C")]
    assert len(paragraphs(text, 50)) <= 50
