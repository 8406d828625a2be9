"""The whole stack as one thing that is started, becomes ready, and is stopped again."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from recwatch_local.errors import StackError
from recwatch_local.layout import Layout, prepare
from recwatch_local.ports import Ports, require_free
from recwatch_local.programs import Program, environment, programs
from recwatch_local.signals import uninterrupted
from recwatch_local.supervisor import Supervisor
from recwatch_local.tools import Tools

READY_SECONDS = 90.0
_ENDED = {"FATAL", "EXITED", "UNKNOWN"}


@dataclass(frozen=True)
class Stack:
    """A running stack."""

    layout: Layout
    ports: Ports
    environment: Mapping[str, str]
    supervisor: Supervisor

    def require_running(self) -> None:
        """Raise a `StackError` that names the log file of each part that ended for good."""
        ended = [name for name, state in self.supervisor.states().items() if state in _ENDED]
        if ended:
            raise StackError(
                "\n".join(f"{name} ended: {last_line(self.layout.logs / name)}" for name in ended)
            )


@contextmanager
def running(
    layout: Layout,
    ports: Ports,
    tools: Tools,
    *,
    factors: Mapping[str, float] | None = None,
    inherited: Mapping[str, str] | None = None,
    first_models: Callable[[Mapping[str, str]], None],
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Stack]:
    """Start every part, wait until all are ready, and stop all of them at the end, whatever happens.

    Args:
        layout: where its files go.
        ports: where its parts listen.
        tools: the servers' programs.
        factors: by what durations are divided, see `layout.prepare`; None for real use.
        inherited: the environment that the parts' own is built on; this process's by default.
        first_models: called with the parts' environment once the servers are up and before those parts start
            that need a version in service: it sees to it that there is one.
        say: told a line for each part that becomes ready.

    Raises:
        PortTakenError: when a port is taken; nothing was started.
        StackError: when a part does not become ready.
    """
    require_free(ports)
    outer = os.environ if inherited is None else inherited
    prepare(layout, ports, factors, outer)
    variables = environment(layout, ports, outer)
    parts = programs(layout, ports, tools)
    supervisor = Supervisor(layout.run, parts, variables)
    stack = Stack(layout, ports, variables, supervisor)
    try:
        _await_ready(stack, [part for part in parts if not part.needs_model], say)
        first_models(variables)
        late = [part for part in parts if part.needs_model]
        supervisor.start(part.name for part in late)
        _await_ready(stack, late, say)
        yield stack
    finally:
        with uninterrupted():
            supervisor.stop()


def _await_ready(stack: Stack, parts: Sequence[Program], say: Callable[[str], None]) -> None:
    waiting = {part.name: stack.ports.url(part.name) + part.ready for part in parts}
    deadline = time.monotonic() + READY_SECONDS
    while waiting:
        for name, url in list(waiting.items()):
            if answers(url):
                say(f"{name} is ready at {stack.ports.url(name)}")
                del waiting[name]
        stack.require_running()
        if waiting and time.monotonic() > deadline:
            late = "\n".join(f"{name}: {last_line(stack.layout.logs / name)}" for name in waiting)
            raise StackError(f"not ready after {READY_SECONDS:.0f} s:\n{late}")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether a part answers at an address, within two seconds and without an error."""
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def last_line(log: Path) -> str:
    """The last line that a part wrote, and where to read the rest."""
    file = log.with_suffix(".log")
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except FileNotFoundError:
        lines = []
    return f"{lines[-1] if lines else 'it wrote nothing'} (all of it: {file})"
