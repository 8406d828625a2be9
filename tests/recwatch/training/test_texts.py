from recwatch.training.texts import showable, shown, storable


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_what_cannot_be_shown_is_named_by_its_type() -> None:
    assert shown(Mute()) == showable(Mute()) == "<Mute that cannot be shown>"
    assert (showable(1.5), shown(1.5)) == (1.5, "1.5")


def test_a_storable_text_has_no_half_pairs_and_no_nul() -> None:
    assert storable("ü\x00\ud800💥") == "ü\\x00\\ud800💥"
