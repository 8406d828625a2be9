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
from recwatch_local.tools import Tools, find_tools


def commands(layout: Layout, tools: Tools) -> dict[str, list[str]]:
    """What checks each part's configuration, by the part's name."""
    check = "--check-config"
    return {
        "prometheus": [str(tools.promtool), "check", "config", str(layout.prometheus_config)],
        "alertmanager": [str(tools.amtool), "check-config", str(layout.alertmanager_config)],
        "exporter": [
            *(sys.executable, "-m", "recwatch_exporter"),
            *("--config.file", str(layout.drift_config), check),
        ],
        "bridge": [
            *(sys.executable, "-m", "recwatch_bridge"),
            *("--config.file", str(layout.bridge_config), check),
        ],
    }


def check(say: Callable[[str], None]) -> int:
    """Check prometheus.yml and its rules, alertmanager.yml, drift.yml and bridge.yml; 0 if all are good."""
    tools = find_tools()
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(home=Path(name), run=Path(name) / "run")
        prepare(layout, Ports())
        variables = environment(layout, Ports(), os.environ)
        worst = 0
        for command in commands(layout, tools).values():
            say(f"$ {' '.join(command[:3])} ...")
            worst = max(worst, subprocess.run(command, env=variables, check=False).returncode)
        return worst
