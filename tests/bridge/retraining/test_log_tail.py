"""The end of a trainer's log."""

from pathlib import Path

import pytest

from recwatch_bridge.retraining.log_tail import MAX_BYTES, log_tail


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"", ""),
        (b"one\ntwo\nthree\n", "two\nthree"),
        (b"one\ntwo\nthree", "two\nthree"),
        (b"one\r\ntwo\r\n", "one\ntwo"),
        (b"epoch 1\n 10 %\r 50 %\r100 %\r\n", "epoch 1\n100 %"),
        (b"\x1b[1;31mfailed\x1b[0m: \x1b]0;title\x07no data\n", "failed: no data"),
        (b"a\x00b\x07c\xe2\x80\xaed\n", "abcd"),
        (b"a\tb\n", "a       b"),
        (b"\xff\xfe broken\n", "\ufffd\ufffd broken"),
        ("übel\n".encode(), "übel"),
        (b"<script>alert(1)</script>\n", "<script>alert(1)</script>"),
    ],
)
def test_last_lines_are_shown(tmp_path: Path, written: bytes, shown: str) -> None:
    log = tmp_path / "trainer.log"
    log.write_bytes(written)
    assert log_tail(log, 2) == shown


def test_large_logs_cost_no_more(tmp_path: Path) -> None:
    log = tmp_path / "trainer.log"
    with log.open("wb") as file:
        file.truncate(1 << 40)
        file.seek(0, 2)
        file.write(b"\n" + b"x" * 200_000 + b"\nthe end\n")
    tail = log_tail(log, 2)
    assert len(tail) <= MAX_BYTES
    assert tail.endswith("x\nthe end")


def test_no_log_is_no_error(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "none" / "trainer.log", 10) == ""
    assert log_tail(tmp_path, 10) == ""
