import logging
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recwatch_exporter.process.overflow import Folders


def test_a_folder_below_another(tmp_path: Path) -> None:
    parent = tmp_path / "state" / "overflow"

    first, second = (Path(Folders(parent).make()) for _ in range(2))

    assert first.is_dir()
    assert {first.parent, second.parent} == {parent}


def test_workers_that_start_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        for number in range(50):
            folders = Folders(tmp_path / str(number) / "overflow")
            begin = threading.Barrier(4)
            made = list(threads.map(lambda _: (begin.wait(), folders.make())[1], range(4)))  # noqa: B023 - used at once
            assert len(set(made)) == 4
            assert all(Path(folder).is_dir() for folder in made)


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from recwatch_exporter.process.overflow import Folders\n"
    code += "print(Folders(Path(sys.argv[1])).make())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    left = Path(done.stdout.strip())
    (left / "spilled").write_bytes(b"much")
    own = Path(Folders(tmp_path).make())
    others = tmp_path / "recwatch-exporter-of-somebody-else"
    others.mkdir()

    Folders(tmp_path).make()

    assert not left.exists()
    assert own.exists()
    assert others.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")

    with caplog.at_level(logging.WARNING):
        made = Path(Folders(tmp_path / "file" / "overflow").make())

    assert made.is_dir()
    made.rmdir()
    assert "Overflow goes to the system's folder" in caplog.text
