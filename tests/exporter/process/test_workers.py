"""Real processes, which end in every way that there is."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_exporter.errors import (
    CheckCancelledError,
    CheckCrashedError,
    CheckMemoryError,
    CheckTimeoutError,
)
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.workers import WorkerError, WorkerPool

ROOMY = 1 << 40
Call = Callable[..., object]


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """A pool; whatever it started is gone at the end."""
    pool = WorkerPool()
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    yield pool
    pool.close()
    left = [child for child in psutil.Process().children(recursive=True) if child.pid not in before]
    assert not left


@pytest.fixture
def call(pool: WorkerPool) -> Call:
    def call_in_worker(
        function: Callable[..., object], *arguments: object, seconds: float = 60, memory: int = ROOMY
    ) -> object:
        return pool.call(function, *arguments, deadline=Deadline(timedelta(seconds=seconds)), memory=memory)

    return call_in_worker


def test_a_worker_is_used_again(call: Call) -> None:
    first, second = call(os.getpid), call(os.getpid)

    assert first == second != os.getpid()


def test_a_worker_is_replaced_in_time(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recwatch_exporter.process.workers._MOST_CALLS", 2)

    assert len({call(os.getpid) for _ in range(4)}) == 2


def test_a_worker_that_holds_on_to_memory_is_replaced(call: Call) -> None:
    first = call(os.getpid)
    call(exec, "import sys; sys.kept = bytearray(300 << 20)")

    assert call(os.getpid) != first


def test_a_mapped_file_does_not_count(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "large.npy"
    np.save(path, np.zeros(100 << 20, dtype=np.uint8))
    code = f"import numpy, time; numpy.load({str(path)!r}, mmap_mode='r').sum(); time.sleep(0.3)"

    call(exec, code, memory=160 << 20)


def test_too_much_memory(call: Call) -> None:
    taking = "kept = []\nwhile True: kept.append(bytearray(10 << 20))"

    with pytest.raises(
        CheckMemoryError,
        match=r"^took more than its memory of 512MiB \(.* GiB\): read less, or raise memory$",
    ):
        call(exec, taking, memory=512 << 20)
    assert call(os.getpid)


def test_more_memory_than_there_is(call: Call) -> None:
    with pytest.raises(CheckMemoryError, match=r"^found no more memory: read less, or raise memory: "):
        call(np.zeros, 1 << 50)


def test_a_call_that_hangs_is_killed(call: Call) -> None:
    hanging = "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"

    with pytest.raises(CheckTimeoutError, match=r"^took longer than its timeout of 100ms: "):
        call(exec, hanging, seconds=0.1)
    assert call(os.getpid)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os._exit(3)", r"^its worker process ended: exit code 3: see the log$"),
        ("import os; os.abort()", r"^its worker process ended: SIGABRT, a fault in a library: "),
        ("import os; os.kill(os.getpid(), 9)", r"^its worker process ended: it was killed \(SIGKILL\): "),
    ],
)
def test_a_worker_that_dies(call: Call, code: str, message: str) -> None:
    with pytest.raises(CheckCrashedError, match=message):
        call(exec, code)
    assert call(os.getpid)


def test_a_worker_that_dies_between_two_calls(call: Call) -> None:
    first = call(os.getpid)
    assert isinstance(first, int)
    os.kill(first, signal.SIGKILL)
    # Of all its threads: its first one is a zombie before the others are gone.
    wait_until(lambda: os.waitid(os.P_PID, first, os.WEXITED | os.WNOHANG | os.WNOWAIT))

    assert call(os.getpid) != first


class Stuck:
    """A process that no signal reaches."""

    pid = 1

    def __init__(self) -> None:
        self.ended = False

    def end(self, patience: float) -> bool:
        assert patience == 0
        return self.ended


def test_workers_that_cannot_be_killed_do_not_pile_up(
    pool: WorkerPool, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = [Stuck() for _ in range(8)]
    monkeypatch.setattr(pool, "_stuck", list(stuck))

    with pytest.raises(CheckCrashedError, match=r"^8 workers hang in the kernel and cannot be killed: "):
        call(os.getpid)

    stuck[0].ended = True
    assert call(os.getpid)


def test_a_mistake_of_ours_brings_its_traceback(call: Call) -> None:
    with pytest.raises(WorkerError, match=r"^ValueError\(") as caught:
        call(int, "x")

    assert "Traceback" in caught.value.trace


def test_cancelling_ends_a_call_at_once(pool: WorkerPool) -> None:
    deadline = Deadline(timedelta(hours=1))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            pool.call(time.sleep, 3600, deadline=deadline, memory=ROOMY)
        except CheckCancelledError as error:
            raised.append(error)

    before = psutil.Process().children()
    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: psutil.Process().children() != before)
    deadline.cancel()
    thread.join(10)

    assert len(raised) == 1


def test_what_a_call_leaves_on_disk_goes_with_its_worker(pool: WorkerPool, call: Call) -> None:
    folder = call(os.getenv, "TMPDIR")
    assert isinstance(folder, str)
    assert Path(folder).is_dir()

    pool.close()

    assert not Path(folder).exists()


def test_what_a_library_prints_is_no_output_of_ours(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    call(print, "a library's banner", None)
    call(exec, "import sys; sys.stdout.flush()")

    assert capfd.readouterr().out == ""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    """Even one that is busy and never looks up."""
    code = """
from datetime import timedelta
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.workers import WorkerPool
pool = WorkerPool()
print(pool.call(int, 1, deadline=Deadline(timedelta(minutes=1)), memory=1 << 40), flush=True)
pool.call(exec, "while True: pass", deadline=Deadline(timedelta(minutes=1)), memory=1 << 40)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"1\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()

    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_folder_that_was_cleaned_away_comes_back(call: Call) -> None:
    folder, pid = call(os.getenv, "TMPDIR"), call(os.getpid)
    assert isinstance(folder, str)
    Path(folder).rmdir()

    assert call(os.path.isdir, folder)
    assert call(os.getpid) == pid


def test_workers_write_below_a_folder(tmp_path: Path) -> None:
    pool = WorkerPool(folder=tmp_path / "overflow")

    found = pool.call(os.getenv, "TMPDIR", deadline=Deadline(timedelta(minutes=1)), memory=ROOMY)
    pool.close()

    assert Path(found).parent == tmp_path / "overflow"
    assert not Path(found).exists()


@pytest.mark.parametrize("cancelled", [True, False])
def test_what_runs_in_a_server_is_told_before_the_worker_ends(
    pool: WorkerPool, tmp_path: Path, *, cancelled: bool
) -> None:
    """Where the exporter stops, or the worker took too much memory."""
    told, begun = tmp_path / "told", tmp_path / "begun"
    code = f"""
from datetime import timedelta
from pathlib import Path
import time
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.worker import interruptible
with interruptible(Deadline(timedelta(hours=1))) as deadline:
    with deadline.interrupting(Path({str(told)!r}).touch):
        Path({str(begun)!r}).touch()
        kept = [bytearray(10 << 20) for _ in range(0 if {cancelled} else 30)]
        time.sleep(3600)
"""
    deadline = Deadline(timedelta(hours=1))

    def stop() -> None:
        wait_until(begun.exists)
        deadline.cancel()

    stopping = threading.Thread(target=stop)
    if cancelled:
        stopping.start()

    with pytest.raises(CheckCancelledError if cancelled else CheckMemoryError):
        pool.call(exec, code, deadline=deadline, memory=256 << 20)

    assert told.exists()
    if cancelled:
        stopping.join()
