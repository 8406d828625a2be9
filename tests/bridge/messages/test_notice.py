"""Notices: one form, whatever the texts hold."""

from recwatch_bridge.messages.notice import notice


def test_texts_from_outside_are_made_safe_and_empty_ones_left_out() -> None:
    made = notice(
        "critical", "Retraining failed:\nals", ["a\x00b\nc", "", "d"], [("Run", "r\n1"), ("Reason", "")]
    )
    assert (made.subject, made.tone) == ("[CRITICAL] Retraining failed: als", "critical")
    (entry,) = made.entries
    assert (entry.title, entry.paragraphs) == ("Retraining failed: als", ("ab\nc", "d"))
    assert entry.facts == (("Run", "r 1"),)


def test_long_texts_are_cut() -> None:
    made = notice("info", "h" * 999, ["t" * 9_999], [("Run", "f" * 999)])
    (entry,) = made.entries
    lengths = [len(text) for text in (made.subject, entry.title, entry.paragraphs[0], entry.facts[0][1])]
    assert lengths == [200, 150, 1_000, 200]
