"""The commands behind `make tools`, `make up`, `make reload`, `make down` and `make lint`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from recwatch.errors import RecwatchError
from recwatch_local.check import check
from recwatch_local.compose import REMEDY, ensure_compose
from recwatch_local.reload import reload
from recwatch_local.tools import ensure_oldest_promtool, ensure_tools
from recwatch_local.up import down, up


def show_tools(say: Callable[[str], None], *, compose: bool = False, oldest: bool = False) -> int:
    """Find or unpack every tool and say where each is."""
    for name, path in vars(ensure_tools(say)).items():
        say(f"{name:<12} {path}")
    if compose:
        say(f"{'compose':<12} {' '.join(ensure_compose(say) or ['not found:', REMEDY])}")
    if oldest:
        promtool = ensure_oldest_promtool(say)
        say(f"{'promtool 2':<12} {promtool or 'not found: rules are tested by one promtool'}")
    return 0


COMMANDS = {
    "tools": (show_tools, "find or unpack Prometheus and its companions"),
    "up": (up, "run the stack until Ctrl-C"),
    "reload": (reload, "let a stack that runs elsewhere read its configuration again"),
    "down": (down, "stop a stack that runs elsewhere"),
    "check": (check, "check every configuration file with the program that reads it"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m recwatch_local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (run, text) in COMMANDS.items():
        commands.add_parser(name, help=text).set_defaults(run=run)
    commands.choices["tools"].add_argument("--compose", action="store_true", help="docker compose as well")
    commands.choices["tools"].add_argument(
        "--oldest", action="store_true", help="the oldest promtool that the rules are tested with as well"
    )
    chosen = vars(parser.parse_args(argv))
    del chosen["command"]
    try:
        return int(chosen.pop("run")(lambda line: print(line, flush=True), **chosen))
    except RecwatchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
