"""The commands behind `make tools`, `make up`, `make down` and `make lint`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from recwatch.errors import RecwatchError
from recwatch_local.check import check
from recwatch_local.tools import ensure_tools
from recwatch_local.up import down, up


def show_tools(say: Callable[[str], None]) -> int:
    """Find or unpack every tool and say where each is."""
    for name, path in vars(ensure_tools(say)).items():
        say(f"{name:<12} {path}")
    return 0


COMMANDS = {
    "tools": (show_tools, "find or unpack Prometheus and its companions"),
    "up": (up, "run the stack until Ctrl-C"),
    "down": (down, "stop a stack that runs elsewhere"),
    "check": (check, "check every configuration file with the program that reads it"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, text) in COMMANDS.items():
        commands.add_parser(name, help=text)
    run, _ = COMMANDS[parser.parse_args(argv).command]
    try:
        return run(lambda line: print(line, flush=True))
    except RecwatchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
