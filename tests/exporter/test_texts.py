import pytest

from recwatch_exporter.texts import bounded


@pytest.mark.parametrize("text", ["", "räting", "x" * 128])
def test_a_short_text_stays(text: str) -> None:
    assert bounded(text) == text


def test_long_texts_are_cut_and_stay_different() -> None:
    cut = {bounded("x" * 1_000_000 + ending) for ending in "abc"}

    assert {len(text) for text in cut} == {128}
    assert len(cut) == 3
    assert len(bounded("x" * 1000, 500)) == 500


def test_what_is_no_character_is_replaced() -> None:
    assert bounded("a\ud800") == "a?"
