"""`make reload`: what was changed is checked, then read by the servers of a stack that `make up` started."""

import os
import signal
import subprocess
from collections.abc import Callable

import psutil

from recwatch_local.check import commands
from recwatch_local.layout import Layout
from recwatch_local.ports import ports_from
from recwatch_local.programs import environment
from recwatch_local.supervisor import find_leftovers
from recwatch_local.tools import find_tools
from recwatch_local.up import layout_of


def reload(say: Callable[[str], None]) -> int:
    """Let Prometheus, Alertmanager and the exporter read their configuration again; 1 where one is wrong."""
    layout = layout_of(os.environ)
    found = _servers(layout)
    if not found:
        say("no stack of `make up` is running")
        return 1
    variables = environment(layout, ports_from(os.environ), os.environ)
    checks = commands(layout, find_tools())
    for name in found:
        answer = subprocess.run(checks[name], env=variables, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            say((answer.stdout + answer.stderr).strip())
            say(f"nothing was loaded: the configuration of {name} is wrong")
            return 1
    for name, process in found.items():
        process.send_signal(signal.SIGHUP)
        say(f"{name} reads its configuration again")
    return 0


def _servers(layout: Layout) -> dict[str, psutil.Process]:
    """The processes of this stack that take SIGHUP; it would end any other."""
    files = {
        "prometheus": f"--config.file={layout.prometheus_config}",
        "alertmanager": f"--config.file={layout.alertmanager_config}",
        "exporter": str(layout.drift_config),
    }
    running = [(process, _argv(process)) for process in find_leftovers(layout.run)]
    return {name: process for name, file in files.items() for process, argv in running if file in argv}


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
