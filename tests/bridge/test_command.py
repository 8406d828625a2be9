import os
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_bridge.launchers.base import Ended, LaunchError, Order, Running
from recwatch_bridge.launchers.command import CommandLauncher

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
    found: list[Running | Ended] = []

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
    with pytest.raises(LaunchError, match=r"^\./none\.sh could not be started: "):
        launch.launch(order)


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


def test_another_process_with_its_number_is_not_it(tmp_path: Path, order: Order) -> None:
    launch = launcher(tmp_path, PATIENT)
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
