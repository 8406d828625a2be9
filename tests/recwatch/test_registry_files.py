import os
import subprocess
import sys
from pathlib import Path

import pytest

from recwatch.errors import RegistryError
from recwatch.registry_files import claim, delete, is_claimed, locked, set_aside, sweep, write_beside

HOLD = """
import os, sys
from pathlib import Path
from recwatch.registry_files import claim, locked

with locked(Path(sys.argv[1]) / ".lock", timeout=1):
    claim(Path(sys.argv[1]))
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(RegistryError, match=r"\.lock has been held for 0.05 s: end the process"),
            locked(tmp_path / ".lock", timeout=0.05),
        ):
            pytest.fail("held twice")
        assert is_claimed(tmp_path)
        process.kill()  # the system releases what a process held
    with locked(tmp_path / ".lock", timeout=0.05):
        assert not is_claimed(tmp_path)


def test_a_process_that_was_forked_meanwhile_holds_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with locked(tmp_path / ".lock", timeout=1):
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)  # until the test is over
            os._exit(0)
    with locked(tmp_path / ".lock", timeout=0.05):
        os.close(writing)
    os.close(reading)
    assert os.waitpid(child, 0)[1] == 0


def test_a_claim_ends_with_its_descriptor(tmp_path: Path) -> None:
    claimed = claim(tmp_path)
    assert is_claimed(tmp_path)
    os.close(claimed)
    assert not is_claimed(tmp_path)
    assert is_claimed(tmp_path / "missing")  # what cannot be told is left alone


def test_a_file_is_written_beside_another(tmp_path: Path) -> None:
    partial = write_beside(tmp_path / ".history.next", "text\n")
    assert partial.name.startswith(".history.next-")
    assert (partial.read_text(), partial.stat().st_mode & 0o777) == ("text\n", 0o644)


def test_a_link_is_deleted_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "nowhere").symlink_to("missing")
    for name in ("link", "nowhere", "missing"):
        assert delete(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "file").exists()
    assert delete(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_set_aside_whole(tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "model").touch()
    aside = set_aside(tmp_path / "v1")
    assert aside.name.startswith(".prune-v1-")
    assert [entry.name for entry in tmp_path.iterdir()] == [aside.name]
    assert (aside / "v1" / "model").exists()


def test_what_is_left_over_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".publish-v1-a", ".publish-v2-b", ".prune-v1-c", "v1", ".keep"):
        (tmp_path / name / "deep").mkdir(parents=True)
    for name in (".current-a", ".history.jsonl-b", ".history.next-c", ".history.next", "current", ".lock"):
        (tmp_path / name).touch()
    claimed = claim(tmp_path / ".publish-v2-b")
    sweep(tmp_path)
    os.close(claimed)
    kept = {".publish-v2-b", "v1", ".keep", ".history.next", "current", ".lock"}
    assert {entry.name for entry in tmp_path.iterdir()} == kept
