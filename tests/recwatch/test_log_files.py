"""Several processes write to one file; disks are full; folders go."""

import fcntl
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from recwatch.log_files import LogFile
from recwatch.log_rotation import Rotation, find_rotated

WRITE = """
import logging, sys
from pathlib import Path
from prometheus_client import REGISTRY
from recwatch import logs
from recwatch.log_rotation import Rotation

path, worker, lines, max_bytes, keep = Path(sys.argv[1]), *map(int, sys.argv[2:])
rotation = Rotation(max_bytes=max_bytes, keep=keep) if max_bytes else None
logger = logs.configure("w", file=path, console=False, rotation=rotation)
print("ready", flush=True)
sys.stdin.readline()
for line in range(lines):
    logger.info("%s", f"worker={worker} line={line} " + "x" * (line % 200))
labels = {"target": "log", "reason": "unwritable"}
print(REGISTRY.get_sample_value("recwatch_dropped_writes_total", labels))
"""
WORKERS = 4

Make = Callable[..., LogFile]


def write_together(path: Path, *, lines: int, max_bytes: int, keep: int) -> None:
    """Let real processes write at the same time; each must end well and lose nothing."""
    arguments = [str(lines), str(max_bytes), str(keep)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path), str(worker), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for worker in range(WORKERS)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ended = []
    for process in processes:
        out, err = process.communicate(timeout=60)
        ended.append((process.returncode, out, err))
    assert ended == [(0, "0.0\n", "")] * WORKERS


def read(files: list[Path]) -> Counter[str]:
    """What was written, and that each line is whole."""
    found: Counter[str] = Counter()
    for file in files:
        text = file.read_text()
        assert text.endswith("\n") or not text
        for line in text.splitlines():
            _, level, message = line.split(" | ", 2)
            _, number, filler = message.split(" ")
            assert level == "INFO"
            assert len(filler) == int(number.removeprefix("line=")) % 200
            found[" ".join(message.split(" ")[:2])] += 1
    return found


@pytest.fixture
def make(registry: CollectorRegistry) -> Iterator[Make]:
    """Handlers, closed at the end."""
    made: list[LogFile] = []

    def make(path: Path, rotation: Rotation | None = None) -> LogFile:
        made.append(LogFile(path, rotation=rotation, on_error=None, registry=registry))
        return made[-1]

    yield make
    for handler in made:
        handler.close()


def say(handler: LogFile, text: str) -> None:
    handler.handle(logging.LogRecord("t", logging.INFO, __file__, 1, text, (), None))


def lost(registry: CollectorRegistry, reason: str = "unwritable") -> float | None:
    return registry.get_sample_value("recwatch_dropped_writes_total", {"target": "log", "reason": reason})


def test_no_line_of_several_processes_is_lost_torn_or_doubled_while_they_rotate(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    write_together(path, lines=1000, max_bytes=4000, keep=10_000)
    rotated = find_rotated(path)
    expected = {f"worker={worker} line={line}": 1 for worker in range(WORKERS) for line in range(1000)}
    assert read([path, *(item.path for item in rotated)]) == expected
    assert len(rotated) > 10


def test_several_processes_keep_no_more_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    write_together(path, lines=1000, max_bytes=4000, keep=3)
    rotated = find_rotated(path)
    assert len(rotated) == 3
    assert max(read([path, *(item.path for item in rotated)]).values()) == 1
    assert {file.name for file in tmp_path.iterdir()} == {
        ".a.log.lock",
        "a.log",
        *(item.path.name for item in rotated),
    }


def test_an_outside_rotation_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    aside: list[Path] = []
    ended = threading.Event()

    def rotate() -> None:
        while not ended.wait(0.005):
            if path.exists():
                aside.append(path.rename(tmp_path / f"aside.{len(aside)}"))

    rotating = threading.Thread(target=rotate)
    rotating.start()
    try:
        write_together(path, lines=500, max_bytes=0, keep=0)
    finally:
        ended.set()
        rotating.join()
    assert sum(read([*aside, *([path] if path.exists() else [])]).values()) == WORKERS * 500
    assert aside


def test_a_line_into_a_file_that_is_just_deleted_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.log"

    class Late(LogFile):
        def _write(self, line: bytes) -> None:
            if line == b"second\n" and path.read_text() == "first\n":
                path.unlink()
            super()._write(line)

    handler = Late(path, rotation=None, on_error=None, registry=CollectorRegistry())
    say(handler, "first")
    say(handler, "second")
    handler.close()
    assert path.read_text() == "second\n"


def test_who_finds_another_rotating_goes_on_writing(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "a.log"
    handler = make(path, Rotation(max_bytes=5))
    say(handler, "first")
    with (tmp_path / ".a.log.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        say(handler, "second")
    assert path.read_text() == "first\nsecond\n"
    say(handler, "third")
    assert path.read_text() == "third\n"
    (rotated,) = find_rotated(path)
    assert rotated.path.read_text() == "first\nsecond\n"


def test_a_new_day_begins_a_new_file(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "a.log"
    handler = make(path, Rotation(max_bytes=None, every=timedelta(days=1)))
    say(handler, "yesterday")
    before = path.stat().st_mtime - 86400
    os.utime(path, (before, before))
    say(handler, "today")
    say(handler, "still today")
    assert path.read_text() == "today\nstill today\n"
    assert [item.path.read_text() for item in find_rotated(path)] == ["yesterday\n"]


def test_what_is_too_old_goes_also_where_nothing_is_rotated(tmp_path: Path, make: Make) -> None:
    old, new = tmp_path / "a.log.20200101T000000.000000Z", tmp_path / "a.log.29990101T000000.000000Z"
    for file in (old, new):
        file.touch()
    say(make(tmp_path / "a.log", Rotation(keep_for=timedelta(days=30))), "hello")
    assert (old.exists(), new.exists()) == (False, True)


def test_a_full_disk_costs_a_count_and_one_line_on_standard_error(
    registry: CollectorRegistry, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = make(Path("/dev/full"), Rotation(max_bytes=1))
    assert lost(registry) == 0
    for _ in range(3):
        say(handler, "no room")
    assert lost(registry) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "| ERROR | Log unwritable | file=/dev/full, error=OSError(28, 'No space left on device')" in line


def test_after_a_full_disk_the_next_line_stands_on_its_own(
    registry: CollectorRegistry, tmp_path: Path, make: Make
) -> None:
    path = tmp_path / "a.log"
    handler = make(path)
    say(handler, "whole")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        say(handler, "torn apart")
        say(handler, "gone")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    say(handler, "whole again")
    say(handler, "and again")
    assert path.read_text() == "whole\ntorn\nwhole again\nand again\n"
    assert lost(registry) == 2


def test_a_removed_folder_costs_counts_until_it_is_back(
    registry: CollectorRegistry, tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    handler = make(folder / "a.log", Rotation(max_bytes=5))
    say(handler, "first")
    shutil.rmtree(folder)
    say(handler, "second")
    assert lost(registry) == 1
    assert "Log unwritable" in capsys.readouterr().err
    folder.mkdir()
    say(handler, "third")
    assert (folder / "a.log").read_text() == "third\n"


def test_what_cannot_be_rotated_is_written_all_the_same(
    registry: CollectorRegistry, tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    # A folder where the lock should be: nothing can be rotated, whoever asks, root among them.
    (tmp_path / ".a.log.lock").mkdir()
    handler = make(tmp_path / "a.log", Rotation(max_bytes=5))
    for text in ("first", "second", "third"):
        say(handler, text)
    assert (tmp_path / "a.log").read_text() == "first\nsecond\nthird\n"
    assert lost(registry) == 0
    assert "Log not rotated" in capsys.readouterr().err


def test_a_record_that_cannot_be_formatted_costs_a_count(
    registry: CollectorRegistry, tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    record = logging.LogRecord("t", logging.INFO, __file__, 1, "%d items", ("no number",), None)
    make(tmp_path / "a.log").handle(record)
    assert lost(registry, "unformattable") == 1
    assert "Log unformattable" in capsys.readouterr().err


def test_standard_error_may_be_closed(
    registry: CollectorRegistry, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    say(make(Path("/dev/full")), "no room")
    assert lost(registry) == 1


def test_a_changed_working_directory_does_not_move_the_log(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    handler = make(Path("a.log"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "a.log").unlink()
    say(handler, "hello")
    assert (tmp_path / "a.log").read_text() == "hello\n"


def test_a_closed_log_opens_again(tmp_path: Path, make: Make) -> None:
    handler = make(tmp_path / "a.log")
    handler.close()
    say(handler, "late")
    assert (tmp_path / "a.log").read_text() == "late\n"


def test_a_file_that_cannot_be_opened_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    code = "import sys; from recwatch import logs; logs.configure(file=sys.argv[1])"
    command = [sys.executable, "-c", code, f"{tmp_path}/taken/x.log"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert said.splitlines()[-1].endswith(
        f"the log cannot be opened: File exists: name a file that may be written: '{tmp_path}/taken/x.log'"
    )
    assert "atexit" not in said
