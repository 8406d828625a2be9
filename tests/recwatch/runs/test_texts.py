from recwatch.runs.texts import describe, showable, shown, storable


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_what_cannot_be_shown_is_named_by_its_type() -> None:
    assert shown(Mute()) == showable(Mute()) == "<Mute that cannot be shown>"
    assert (showable(1.5), shown(1.5)) == (1.5, "1.5")


def test_a_storable_text_has_no_half_pairs_and_no_nul() -> None:
    assert storable("ü\x00\ud800💥") == "ü\\x00\\ud800💥"


def test_an_error_is_described_without_passwords_and_not_at_length() -> None:
    assert describe(KeyError()) == "KeyError"
    assert describe(ValueError("no ratings")) == "ValueError: no ratings"
    assert "geheim" not in describe(OSError("postgresql://anna:geheim@host/db"))
    assert len(describe(ValueError("x" * 9_999))) == 2_000
