"""The command `recwatch-bridge`."""

import argparse
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recwatch import __version__, logs
from recwatch.config import load_config
from recwatch.errors import ConfigError, RecwatchError
from recwatch.say import answer, remark
from recwatch_bridge.cautions import cautions
from recwatch_bridge.commands import dead_letters, render, runs, send_report, send_test
from recwatch_bridge.commands.options import shared_options
from recwatch_bridge.commands.serve import serve
from recwatch_bridge.config import BridgeConfig
from recwatch_bridge.listening import check_listen
from recwatch_bridge.obstacles import obstacles
from recwatch_bridge.parts import read_parts
from recwatch_bridge.storage.probe import probe

_INTERRUPTED = 130
_DEFAULTS = {"config": Path("bridge.yml"), "listen_address": None, "check_config": False}
_COMMANDS: dict[str, Callable[[BridgeConfig, argparse.Namespace], int]] = {
    "serve": serve,
    "dead-letters": dead_letters.run,
    "render": render.run,
    "runs": runs.run,
    "send-report": send_report.run,
    "send-test": send_test.run,
}

log = logging.getLogger("recwatch_bridge")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = argparse.Namespace(**_DEFAULTS)
    create_parser().parse_args(arguments, options)
    command = options.command or "serve"
    quiet = command != "serve" or options.check_config
    logs.configure(level=logging.WARNING if quiet else logging.INFO)
    try:
        settings = load_config(options.config, BridgeConfig)
        with _naming(options.config):
            if options.check_config:
                return _check_config(settings, options)
            return _COMMANDS[command](settings, options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except RecwatchError as error:
        remark(str(error))
        return 1


@contextmanager
def _naming(config: Path) -> Iterator[None]:
    """Say in which file a key is that something is wrong with."""
    try:
        yield
    except ConfigError as error:
        lines = str(error).splitlines()
        keys = (re.split(r"[.:]", line, maxsplit=1)[0] for line in lines)
        named = [
            f"{config}: {line}" if key in BridgeConfig.model_fields else line
            for key, line in zip(keys, lines, strict=True)
        ]
        raise ConfigError("\n".join(named)) from error


def _check_config(settings: BridgeConfig, options: argparse.Namespace) -> int:
    parts = read_parts(settings, os.environ)
    wrong = obstacles(settings, parts)
    checks: dict[str, Callable[[], None]] = {
        "store": lambda: probe(settings.store, parts.store_password),
        "listen": lambda: check_listen(options.listen_address or settings.listen),
    }
    for key, check in checks.items():
        try:
            check()
        except RecwatchError as error:
            wrong.append(f"{key}: {' '.join(str(error).split())}")
    for line in (*wrong, *cautions(settings)):
        remark(f"{options.config}: {line}")
    if wrong:
        return 1
    answer(f"{options.config}: good")
    return 0


def create_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    shared = shared_options()
    parser = argparse.ArgumentParser(
        prog="recwatch-bridge",
        description="Takes Alertmanager's webhooks: tells people by email and Slack, retrains, promotes.",
        epilog="Without a command it runs the bridge. docs/bridge.md describes configuration and commands.",
        parents=[shared],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="HOST:PORT",
        default=argparse.SUPPRESS,
        help="instead of the configuration's `listen`",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, module, text in (
        ("dead-letters", dead_letters, "list messages that were given up, send them again or drop them"),
        ("runs", runs, "list retraining runs, or tell of one"),
        ("render", render, "show what messages about alerts look like"),
        ("send-report", send_report, "send the report until now through its sinks"),
        ("send-test", send_test, "send a test message through every sink now"),
    ):
        module.configure(
            commands.add_parser(name, help=text, description=text, parents=[shared], allow_abbrev=False)
        )
    return parser
