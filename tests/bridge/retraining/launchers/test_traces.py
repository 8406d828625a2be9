"""What a run leaves in its folder."""

import errno
import json
import sys
from pathlib import Path

import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining.launchers import command
from recwatch_bridge.retraining.launchers.base import Ended, Order
from recwatch_bridge.retraining.launchers.command import CommandLauncher
from recwatch_bridge.retraining.launchers.traces import Record, limit_log


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return Order("als-1", "als", "", tmp_path)


def test_a_record_is_made_once(order: Order) -> None:
    record = Record(order)
    assert record.read() is None
    assert record.claim({"host": "here"})
    assert not record.claim({"host": "there"})
    assert record.read() == {"host": "here"}
    record.write({"pid": 7})
    assert Record(order).read() == {"pid": 7}
    record.drop()
    assert record.read() is None


def test_a_record_that_cannot_be_written_is_not_there(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(json, "dump", full)
        with pytest.raises(OSError, match="No space left"):
            Record(order).claim({"host": "here"})
    assert list(order.folder.iterdir()) == []
    assert Record(order).claim({"host": "here"})
    assert [path.name for path in order.folder.iterdir()] == ["process.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_record_that_cannot_be_read_says_nothing(order: Order, content: bytes) -> None:
    (order.folder / "process.json").write_bytes(content)
    assert Record(order).read() == {}


def test_a_log_is_cut_down_to_its_end_and_goes_on(order: Order) -> None:
    with order.log.open("ab", buffering=0) as trainer:
        trainer.write(b"a" * 90)
        limit_log(order, limit=100, kept=10)
        assert order.log.read_bytes() == b"a" * 90
        trainer.write(b"b" * 11)
        limit_log(order, limit=100, kept=10)
        trainer.write(b"more")
    told = b"[the bridge took away 91 bytes before this: a log may have 100]\n"
    assert order.log.read_bytes() == told + b"b" * 10 + b"more"


def test_a_log_that_is_not_there_or_no_file_is_left_alone(order: Order) -> None:
    limit_log(order)
    order.log.mkdir()
    limit_log(order)


def test_the_log_of_a_trainer_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "limit_log", lambda order: limit_log(order, limit=1_000, kept=10))
    order = Order("als-talks", "als", "", tmp_path / "r")
    launch = CommandLauncher([sys.executable, "-c", "print('x' * 5_000)"], cwd=tmp_path, environment={})
    launch.launch(order)
    wait_until(lambda: launch.look(order, None) == Ended(0), timeout=20)
    assert order.log.read_text(encoding="utf-8").startswith("[the bridge took away 4991 bytes")
