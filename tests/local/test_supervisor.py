import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from recwatch.testing import wait_until
from recwatch_local.errors import StackError
from recwatch_local.programs import Program
from recwatch_local.supervisor import Supervisor, supervisor_config

SLEEP = "import time; print('awake', flush=True); time.sleep(600)"
# A child in its own session, as a retraining is: it does not die with its parent's group.
CHILD = f'import subprocess, sys; subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)'


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    # A space and a per cent sign, which supervisord's own format gives a meaning.
    folder = tmp_path / "a run %d"
    (folder / "logs").mkdir(parents=True)
    yield folder
    assert not _marked(folder), "left behind"


def _marked(run: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RECWATCH_RUN_FOLDER") == str(run):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _start(run: Path, *programs: Program) -> Supervisor:
    return Supervisor(run, programs, os.environ)


def test_each_part_has_its_log_and_all_end_together_even_those_that_left_their_group(run: Path) -> None:
    supervisor = _start(
        run,
        Program("one", (sys.executable, "-c", f"{CHILD}; {SLEEP}"), "/"),
        Program("two", (sys.executable, "-c", SLEEP), "/", needs_model=True),
    )
    try:
        wait_until(lambda: supervisor.states().get("one") == "RUNNING", timeout=20)
        assert supervisor.states()["two"] == "STOPPED"
        supervisor.start(["two"])
        wait_until(lambda: supervisor.states()["two"] == "RUNNING", timeout=20)
        wait_until(lambda: "awake" in (run / "logs" / "two.log").read_text(encoding="utf-8"), timeout=20)
        wait_until(
            lambda: (run / "logs" / "one.log").read_text(encoding="utf-8").count("awake") >= 1, timeout=20
        )
        assert len(_marked(run)) >= 4
    finally:
        supervisor.stop()
    assert not _marked(run)


def test_a_part_that_falls_is_started_again(run: Path) -> None:
    supervisor = _start(run, Program("one", (sys.executable, "-c", SLEEP), "/"))
    try:
        wait_until(lambda: supervisor.states().get("one") == "RUNNING", timeout=20)
        (fallen,) = [pid for pid in _marked(run) if "awake" in " ".join(psutil.Process(pid).cmdline())]
        psutil.Process(fallen).kill()
        wait_until(lambda: not psutil.pid_exists(fallen), timeout=20)
        wait_until(lambda: supervisor.states().get("one") == "RUNNING", timeout=20)
    finally:
        supervisor.stop()


def test_a_part_that_cannot_start_is_fatal(run: Path) -> None:
    supervisor = _start(run, Program("broken", (sys.executable, "-c", "raise SystemExit('no model')"), "/"))
    try:
        wait_until(lambda: supervisor.states().get("broken") == "FATAL", timeout=60)
        assert "no model" in (run / "logs" / "broken.log").read_text(encoding="utf-8")
    finally:
        supervisor.stop()
    with pytest.raises(StackError, match="supervisord ended with code"):
        supervisor.states()


def test_nothing_of_a_command_line_gets_a_meaning_of_its_own() -> None:
    text = supervisor_config(Path("sock"), [Program("one", ("prog", "a b", "%(ENV_HOME)s"), "/")])
    assert "command=prog 'a b' '%%(ENV_HOME)s'" in text
