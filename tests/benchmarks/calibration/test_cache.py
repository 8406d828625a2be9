import sys
from pathlib import Path

import pytest

from benchmarks.calibration.cache import Cache, code_digest
from benchmarks.calibration.splits import Splits


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "measured.py"
    path.write_text('"""Words."""\n\n\ndef square(x):\n    """More."""\n    return x * x  # why\n')
    return path


def test_what_was_kept_is_read_by_the_same_code_only(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "kept")
    cache.write("task", "abc", {"alarms": 3})

    assert cache.read("task", "abc") == {"alarms": 3}
    assert cache.read("task", "other") is None
    assert cache.read("nothing", "abc") is None


def test_a_file_cut_short_counts_as_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.write("task", "abc", {"alarms": 3})
    (tmp_path / "task.json").write_text('{"code": "abc", "resu')

    assert cache.read("task", "abc") is None


def test_words_change_no_digest_and_code_does(module: Path) -> None:
    before = code_digest(["measured"])
    module.write_text("def square(x):\n    return x * x\n")
    assert code_digest(["measured"]) == before

    module.write_text("def square(x):\n    return x * x * 1\n")
    assert code_digest(["measured"]) != before


def test_a_digest_knows_what_is_imported_and_no_other_type() -> None:
    assert code_digest(["recwatch_exporter.checks.ks"]) != code_digest(["recwatch_exporter.checks.psi"])
    assert Splits("ks", "users", 0, 100).code == Splits("ks", "blocks", 100, 200).code
    assert Splits("ks", "users", 0, 100).code != Splits("psi", "users", 0, 100).code
