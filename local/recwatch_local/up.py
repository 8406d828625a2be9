"""`make up` and `make down`: the stack in the foreground, and the way to end it from elsewhere."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import psutil

from recwatch_local.errors import StackError
from recwatch_local.layout import Layout
from recwatch_local.paths import ROOT, RUN_FOLDER
from recwatch_local.ports import ports_from
from recwatch_local.signals import terminate_like_interrupt
from recwatch_local.stack import running
from recwatch_local.tools import ensure_tools

Say = Callable[[str], None]
LAYOUT = Layout(home=ROOT, run=RUN_FOLDER / "up")
_PID_FILE = LAYOUT.run / "up.pid"


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
    _PID_FILE.parent.mkdir(parents=True, exist_ok=True)
    _PID_FILE.write_text(str(os.getpid()), encoding="utf-8")
    try:
        with running(
            LAYOUT, ports_from(os.environ), tools, first_models=partial(first_models, say=say), say=say
        ) as stack:
            say(f"all of it is up; logs in {stack.layout.logs}; Ctrl-C or `make down` stops it")
            while True:
                stack.require_running()
                time.sleep(2)
    except KeyboardInterrupt:
        say("stopped")
        return 0
    finally:
        _PID_FILE.unlink(missing_ok=True)


def down(say: Say) -> int:
    """Stop a stack that `make up` started elsewhere, and wait until it is gone."""
    try:
        process = psutil.Process(int(_PID_FILE.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        say("no stack of `make up` is running")
        return 0
    process.terminate()
    process.wait(90)
    say("stopped")
    return 0
