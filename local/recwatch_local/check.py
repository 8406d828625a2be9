"""`make lint`'s last look: every configuration file, read by the very program that will use it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from recwatch_local.layout import Layout, prepare
from recwatch_local.ports import Ports
from recwatch_local.programs import environment
from recwatch_local.tools import find_tools


def check(say: Callable[[str], None]) -> int:
    """Check prometheus.yml and its rules, alertmanager.yml, drift.yml and bridge.yml; 0 if all are good."""
    tools = find_tools()
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(home=Path(name), run=Path(name) / "run")
        prepare(layout, Ports())
        variables = environment(layout, Ports(), os.environ)
        commands = [
            [str(tools.promtool), "check", "config", str(layout.prometheus_config)],
            [str(tools.amtool), "check-config", str(layout.alertmanager_config)],
            [
                sys.executable,
                "-m",
                "recwatch_exporter",
                "--config.file",
                str(layout.drift_config),
                "--check-config",
            ],
            [
                sys.executable,
                "-m",
                "recwatch_bridge",
                "--config.file",
                str(layout.bridge_config),
                "--check-config",
            ],
        ]
        worst = 0
        for command in commands:
            say(f"$ {' '.join(command[:3])} ...")
            worst = max(worst, subprocess.run(command, env=variables, check=False).returncode)
        return worst
