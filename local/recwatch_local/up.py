"""`make up` and `make down`: the stack in the foreground, and the way to end it from elsewhere."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import psutil

from recwatch_local.errors import StackError
from recwatch_local.layout import Layout
from recwatch_local.lock import only_one
from recwatch_local.paths import ROOT
from recwatch_local.ports import ports_from
from recwatch_local.signals import terminate_like_interrupt
from recwatch_local.stack import running
from recwatch_local.supervisor import end_leftovers
from recwatch_local.tools import ensure_tools

Say = Callable[[str], None]
PID_FILE = "up.pid"
STOP_SECONDS = 90.0


def layout_of(environment: Mapping[str, str]) -> Layout:
    """Everything is kept below `RECWATCH_HOME`, which is the checkout unless it is set."""
    home = Path(environment.get("RECWATCH_HOME", ROOT)).resolve()
    return Layout(home=home, run=home / ".run" / "up")


def first_models(environment: Mapping[str, str], say: Say) -> None:
    """Train the example's models that have no version in service yet, and put them there.

    Raises:
        StackError: with the last lines that the trainer wrote.
    """
    say("training the models that are missing")
    argv = [sys.executable, "-m", "recommender.first_models"]
    answer = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise StackError(f"the first training failed:\n{(answer.stderr or answer.stdout).strip()[-2000:]}")


def up(say: Say) -> int:
    """Run the stack until Ctrl-C or `make down`."""
    terminate_like_interrupt()
    tools = ensure_tools(say)
    layout = layout_of(os.environ)
    ports = ports_from(os.environ)
    layout.run.mkdir(parents=True, exist_ok=True)
    try:
        with (
            only_one(layout.run / PID_FILE, "`make up` runs already; `make down` stops it"),
            running(layout, ports, tools, first_models=partial(first_models, say=say), say=say) as stack,
        ):
            say(f"the bridge's page: {ports.url('bridge')}; log in with {layout.secrets}/bridge_admin_token")
            say(
                "no Grafana here: `recwatch report` shows how things are; `make reload` loads what you change"
            )
            say(f"all of it is up; logs in {stack.layout.logs}; Ctrl-C or `make down` stops it")
            while True:
                stack.require_running()
                time.sleep(2)
    except KeyboardInterrupt:
        say("stopped")
        return 0


def down(say: Say) -> int:
    """Stop a stack that `make up` started elsewhere, and whatever one that was killed left behind.

    Raises:
        StackError: when it does not end.
    """
    layout = layout_of(os.environ)
    process = _running_up(layout)
    if process is not None:
        process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while _is_alive(process):
            if time.monotonic() > deadline:
                raise StackError(
                    f"the stack (process {process.pid}) does not end; look at its logs, then kill it"
                )
            time.sleep(0.2)
    left = end_leftovers(layout.run)
    say("stopped" if process or left else "no stack of `make up` is running")
    return 0


def _running_up(layout: Layout) -> psutil.Process | None:
    """The process of `make up`, unless its number belongs to somebody else by now."""
    try:
        process = psutil.Process(int((layout.run / PID_FILE).read_text(encoding="utf-8")))
        return process if "recwatch_local" in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _is_alive(process: psutil.Process) -> bool:
    try:
        # A zombie has ended; whoever started it has not asked for its exit code yet.
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
