"""The commands behind `make tools`, `make up`, `make down` and `make lint`."""

import argparse
import sys
from collections.abc import Sequence

from recwatch.errors import RecwatchError
from recwatch_local import tools


def _tools() -> int:
    found = tools.ensure_tools(lambda line: print(line, flush=True))
    for name, path in vars(found).items():
        print(f"{name:<12} {path}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tools", help="find or unpack Prometheus and its companions").set_defaults(run=_tools)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run())
    except RecwatchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
