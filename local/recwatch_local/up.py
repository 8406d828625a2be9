"""`make up` and `make down`: the stack in the foreground, and the way to end it from elsewhere."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

import psutil

from recwatch.registry import ModelRegistry
from recwatch_local.errors import StackError
from recwatch_local.layout import Layout
from recwatch_local.paths import ROOT, RUN_FOLDER
from recwatch_local.ports import ports_from
from recwatch_local.stack import running
from recwatch_local.tools import ensure_tools

Say = Callable[[str], None]
MODELS = ("als", "bpr")
LAYOUT = Layout(home=ROOT, run=RUN_FOLDER / "up")
_PID_FILE = LAYOUT.run / "up.pid"


def first_models(environment: Mapping[str, str], say: Say) -> None:
    """Train and promote every model of the example that has no version in service yet.

    Raises:
        StackError: when a training fails.
    """
    for model in MODELS:
        if ModelRegistry(LAYOUT.home / "artifacts" / model).current() is None:
            say(f"training the first {model}")
            train(model, environment)


def train(model: str, environment: Mapping[str, str]) -> None:
    """Train a model of the example and put it in service.

    Raises:
        StackError: with the last lines that the trainer wrote.
    """
    argv = [sys.executable, "-m", "recommender.train", "--model", model, "--promote"]
    # The Pushgateway is not up yet; what is pushed later counts this run too, out of the table of runs.
    variables = {name: value for name, value in environment.items() if name != "RECWATCH_PUSHGATEWAY"}
    answer = subprocess.run(argv, env=variables, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise StackError(f"training {model} failed:\n{(answer.stderr or answer.stdout).strip()[-2000:]}")


def up(say: Say) -> int:
    """Run the stack until Ctrl-C or `make down`."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    tools = ensure_tools(say)
    LAYOUT.run.mkdir(parents=True, exist_ok=True)
    with running(
        LAYOUT,
        ports_from(os.environ),
        tools,
        before=lambda variables: first_models(variables, say),
        say=say,
    ) as stack:
        _PID_FILE.write_text(str(os.getpid()), encoding="utf-8")
        say(f"all of it is up; logs in {stack.layout.logs}; Ctrl-C or `make down` stops it")
        try:
            while not ended.wait(2):
                stack.require_running()
        finally:
            _PID_FILE.unlink(missing_ok=True)
            say("stopping")
    return 0


def down(say: Say) -> int:
    """Stop a stack that `make up` started elsewhere, and wait until it is gone."""
    try:
        process = psutil.Process(int(_PID_FILE.read_text(encoding="utf-8")))
    except (FileNotFoundError, psutil.NoSuchProcess):
        say("no stack of `make up` is running")
        return 0
    process.terminate()
    process.wait(90)
    say("stopped")
    return 0
