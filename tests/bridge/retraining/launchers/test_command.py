import errno
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_bridge.retraining.launchers import command
from recwatch_bridge.retraining.launchers.base import Ended, LaunchError, NotStarted, Order, Running
from recwatch_bridge.retraining.launchers.command import CommandLauncher

# Waits for a file; with a child in its group that never ends by itself.
PATIENT = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"
STUBBORN = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("child").write_text(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def order(tmp_path: Path) -> Order:
    # Unique as real ones are: processes are found by it, those of tests that run at the same time too.
    run_id = f"als-{uuid.uuid4().hex}"
    return Order(run_id, "als", "reason; $(touch owned) `touch owned`", tmp_path / "runs" / "r")


@pytest.fixture
def spawned() -> Iterator[list[int]]:
    pids: list[int] = []
    yield pids
    for pid in pids:
        if psutil.pid_exists(pid):
            psutil.Process(pid).kill()


def launcher(folder: Path, code: str, *arguments: str, grace: float = 5.0) -> CommandLauncher:
    return CommandLauncher(
        [sys.executable, "-c", code, *arguments], cwd=folder, environment=dict(os.environ), grace=grace
    )


def ended(launch: CommandLauncher, order: Order) -> Ended:
    found: list[Running | Ended | NotStarted] = []

    def over() -> bool:
        found.append(launch.look(order, None))
        return isinstance(found[-1], Ended)

    wait_until(over, timeout=20)
    last = found[-1]
    assert isinstance(last, Ended)
    return last


def test_environment_log_and_exit_code(tmp_path: Path, order: Order) -> None:
    code = (
        "import os, sys; print([os.environ['RECWATCH_' + name] for name in "
        "('RUN_ID', 'MODEL', 'REASON', 'RESULT')]); print('to stderr', file=sys.stderr, flush=True); "
        "sys.exit(3)"
    )
    launch = launcher(tmp_path, code)
    launch.launch(order)
    assert ended(launch, order) == Ended(3)
    told = order.log.read_text(encoding="utf-8")
    assert repr([order.run_id, "als", order.reason, str(order.result)]) in told
    assert "to stderr" in told
    assert not (tmp_path / "owned").exists()


def test_relative_program_is_relative_to_its_folder(tmp_path: Path, order: Order) -> None:
    program = tmp_path / "train.sh"
    program.write_text("#!/bin/sh\nexit 4\n", encoding="utf-8")
    program.chmod(0o755)
    launch = CommandLauncher(["./train.sh"], cwd=tmp_path, environment=dict(os.environ))
    launch.launch(order)
    assert ended(launch, order) == Ended(4)


def test_missing_program_is_said(tmp_path: Path, order: Order) -> None:
    launch = CommandLauncher(["./none.sh"], cwd=tmp_path, environment={})
    with pytest.raises(LaunchError, match=r"^\./none\.sh could not be started: ") as caught:
        launch.launch(order)
    assert caught.value.retry_after is None
    # Nothing was started, so it may be launched once more.
    assert launch.look(order, None) == NotStarted()


def test_what_passes_is_worth_another_try(
    tmp_path: Path, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = launcher(tmp_path, "")

    def full(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", full)
    with pytest.raises(LaunchError, match="temporarily unavailable") as caught:
        launch.launch(order)
    assert caught.value.retry_after == 30
    monkeypatch.undo()
    launch.launch(order)
    assert ended(launch, order) == Ended(0)


def test_found_again_by_handle_and_by_run_id(tmp_path: Path, order: Order, spawned: list[int]) -> None:
    before_restart = launcher(tmp_path, PATIENT)
    handle = before_restart.launch(order)
    spawned.append(handle["pid"])
    after_restart = launcher(tmp_path, PATIENT)
    assert after_restart.look(order, handle) == Running(handle)
    # The bridge died before it could write the handle down.
    found = after_restart.look(order, None)
    assert isinstance(found, Running)
    assert found.handle["pid"] == handle["pid"]
    (tmp_path / "go").touch()
    assert ended(after_restart, order) == Ended(None)
    assert ended(before_restart, order) == Ended(0)


@pytest.mark.parametrize(
    ("log", "result", "age", "found"),
    [
        (None, None, 0, NotStarted()),
        (None, None, 3_600, NotStarted()),
        (b"", None, 0, NotStarted()),
        # It may have begun, and ended without a word since.
        (b"", None, 3_600, Ended(None)),
        (b"epoch 1", None, 0, Ended(None)),
        (b"", b"{}", 0, Ended(None)),
    ],
)
def test_a_bridge_killed_while_it_launched_starts_what_never_began(  # noqa: PLR0917
    tmp_path: Path, order: Order, log: bytes | None, result: bytes | None, age: float, found: object
) -> None:
    order.folder.mkdir(parents=True, exist_ok=True)
    claim = order.folder / "process.json"
    claim.write_text("{}", encoding="utf-8")
    os.utime(claim, (time.time() - age, time.time() - age))
    for path, content in ((order.log, log), (order.result, result)):
        if content is not None:
            path.write_bytes(content)
    launch = launcher(tmp_path, "")
    assert launch.look(order, None) == found
    if found == NotStarted():
        launch.launch(order)
        assert ended(launch, order) == Ended(0)


def test_another_process_with_its_number_is_not_it(tmp_path: Path, order: Order) -> None:
    launch = launcher(tmp_path, PATIENT)
    assert launch.look(order, None) == NotStarted()
    stranger = {"pid": os.getpid(), "started": psutil.Process().create_time() - 3600}
    assert launch.look(order, stranger) == Ended(None)
    # Nor is it stopped, which would end this test.
    launch.stop(order, stranger)


@pytest.mark.parametrize("restarted", [False, True])
def test_stop_ends_the_whole_group(
    tmp_path: Path, order: Order, spawned: list[int], *, restarted: bool
) -> None:
    first = launch = launcher(tmp_path, STUBBORN, grace=0.2)
    handle = launch.launch(order)
    spawned.append(handle["pid"])
    wait_until(lambda: (tmp_path / "child").exists() and bool((tmp_path / "child").read_text()), timeout=20)
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    spawned.append(child)
    if restarted:
        launch = launcher(tmp_path, STUBBORN, grace=0.2)
    launch.stop(order, handle)
    wait_until(lambda: not _lives(child) and not _lives(handle["pid"]), timeout=10)
    assert ended(first, order) == Ended(-signal.SIGKILL if restarted else None)


def test_what_a_trainer_leaves_running_is_ended(tmp_path: Path, order: Order, spawned: list[int]) -> None:
    code = (
        "import pathlib, subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; "
        "time.sleep(600)']); pathlib.Path('child').write_text(str(child.pid))"
    )
    launch = launcher(tmp_path, code)
    launch.launch(order)
    assert ended(launch, order) == Ended(0)
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    spawned.append(child)
    wait_until(lambda: not _lives(child), timeout=10)


def test_what_it_leaves_running_is_ended_after_a_restart_too(
    tmp_path: Path, order: Order, spawned: list[int]
) -> None:
    code = (
        "import pathlib, subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import "
        "time; time.sleep(600)']); pathlib.Path('child').write_text(str(child.pid))\n" + PATIENT
    )
    before_restart = launcher(tmp_path, code)
    handle = before_restart.launch(order)
    wait_until(lambda: (tmp_path / "child").exists() and bool((tmp_path / "child").read_text()), timeout=20)
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    spawned.append(child)
    after_restart = launcher(tmp_path, code)
    assert after_restart.look(order, handle) == Running(handle)
    (tmp_path / "go").touch()
    assert ended(after_restart, order) == Ended(None)
    wait_until(lambda: not _lives(child), timeout=10)
    assert ended(before_restart, order) == Ended(0)


def test_a_trainer_without_the_environment_is_found_by_the_run_s_folder(
    tmp_path: Path, order: Order, spawned: list[int]
) -> None:
    def cleared() -> CommandLauncher:
        argv = ["env", "-i", sys.executable, "-c", PATIENT]
        return CommandLauncher(argv, cwd=tmp_path, environment=dict(os.environ))

    before_restart = cleared()
    handle = before_restart.launch(order)
    spawned.append(handle["pid"])
    wait_until(lambda: "RECWATCH_RUN_ID" not in psutil.Process(handle["pid"]).environ(), timeout=20)
    # The bridge died before it could write the handle down.
    assert cleared().look(order, None) == Running(handle)
    (tmp_path / "go").touch()
    assert ended(before_restart, order) == Ended(0)


def test_a_start_that_another_bridge_was_faster_with_is_left_to_it(
    tmp_path: Path, order: Order, spawned: list[int]
) -> None:
    first, second = launcher(tmp_path, PATIENT), launcher(tmp_path, PATIENT)
    handle = first.launch(order)
    spawned.append(handle["pid"])
    other = second.launch(order)
    assert second.stop(order, other) is None
    assert second.look(order, other) == Running(handle)
    assert second.stop(order, handle) is None
    assert ended(first, order) == Ended(-signal.SIGTERM)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_trainer_that_may_not_be_signalled_is_said(
    tmp_path: Path, order: Order, spawned: list[int], monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    first = launch = launcher(tmp_path, PATIENT, grace=0.1)
    handle = launch.launch(order)
    spawned.append(handle["pid"])
    if restarted:
        launch = launcher(tmp_path, PATIENT, grace=0.1)

    def refuse(_group: int, _signal: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr(command, "_KILLED", 0.1)
    told = f"process {handle['pid']} goes on: the bridge may not signal it, stop it by hand"
    assert launch.stop(order, handle) == told
    (tmp_path / "go").touch()
    assert ended(first, order) == Ended(0)


def test_launching_twice_at_once_keeps_them_apart(tmp_path: Path) -> None:
    launch = launcher(tmp_path, "import sys; sys.exit(5)")
    orders = [Order(f"als-{number}", "als", "", tmp_path / str(number)) for number in range(3)]
    threads = [threading.Thread(target=launch.launch, args=(one,)) for one in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ended(launch, one) for one in orders] == [Ended(5)] * 3


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
