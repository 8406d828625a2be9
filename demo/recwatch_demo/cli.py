"""The command behind `make demo`."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from recwatch.errors import RecwatchError
from recwatch_demo.run import Settings, run
from recwatch_demo.show import screen
from recwatch_local.paths import ROOT, RUN_FOLDER
from recwatch_local.ports import free_ports, ports_from

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo and return its exit code: 0 only if every step happened."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end when every step happened")
    parser.add_argument("--free-ports", action="store_true", help="take ports that nobody listens on")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "demo", help="where timeline.json and timeline.png go"
    )
    parser.add_argument(
        "--run-folder", type=Path, default=RUN_FOLDER / "demo", help="where all else goes; emptied first"
    )
    arguments = parser.parse_args(argv)
    try:
        ports = free_ports() if arguments.free_ports else ports_from(os.environ)
        settings = Settings(ports, arguments.once, arguments.output.resolve(), arguments.run_folder.resolve())
        with screen() as shown:
            return run(settings, shown)
    except RecwatchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped")
        return INTERRUPTED
