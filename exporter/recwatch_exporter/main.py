"""The command `recwatch-exporter`."""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from recwatch import __version__, logs
from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch.say import CannotAnswerError, answer, remark
from recwatch_exporter.addresses import Address, parse_address
from recwatch_exporter.cautions import cautions
from recwatch_exporter.commands.check import FORMATS, check
from recwatch_exporter.commands.profile import profile
from recwatch_exporter.commands.serve import serve
from recwatch_exporter.config import Config
from recwatch_exporter.report import Verdict

_LOG = logging.getLogger(__name__)
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = create_parser()
    options = argparse.Namespace(**_DEFAULTS)
    parser.parse_args(argv, options)
    command = options.command or "serve"
    if options.config_file is None:
        parser.error("--config.file is required: name the configuration, such as drift.yml")
    quiet = command != "serve" or options.check_config
    logs.configure(level=logging.WARNING if quiet else logging.INFO)
    for noisy in ("apscheduler", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        if options.check_config:
            return _check_config(options)
        return _COMMANDS[command](options)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (ConfigError, CannotAnswerError) as error:
        remark(str(error))
    except Exception as error:  # noqa: BLE001 - logged, and told by the exit code
        # A mistake of ours is no drift, which is what Python's own exit code would say.
        _LOG.exception("Traceback of %s", command)
        remark(f"{command} failed: {error!r:.500}: report it with the traceback")
    return Verdict.CANNOT_TELL if command == "check" else 1


def _check_config(options: argparse.Namespace) -> int:
    config = load_config(options.config_file, Config)
    for caution in cautions(config.checks):
        remark(f"{options.config_file}: {caution}")
    answer(f"{options.config_file}: valid, {len(config.checks)} checks")
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "serve": serve,
    "check": check,
    "profile": profile,
}
_DEFAULTS = {
    "config_file": None,
    "check_config": False,
    "workers": 2,
    "listen_address": None,
    "token_file": None,
    "storage_path": Path("data"),
}


def create_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    shared, serving = _shared_options(), _serving_options()
    parser = argparse.ArgumentParser(
        prog="recwatch-exporter",
        description="Compares a reference window with a current one on a schedule and exports what it finds.",
        epilog="Without a command it serves. Commands: docs/exporter.md; configuration: docs/drift.md.",
        parents=[shared, serving],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser(
        "serve",
        help="run checks on their schedules and export what they find",
        description="SIGHUP reads the configuration again; SIGTERM stops.",
        parents=[shared, serving],
        allow_abbrev=False,
    )
    once = commands.add_parser(
        "check",
        help="run checks once and end with 0 (no drift), 1 (drift) or 2 (could not tell)",
        parents=[shared],
        allow_abbrev=False,
    )
    once.add_argument("names", nargs="*", metavar="CHECK", help="which checks; all by default")
    once.add_argument("--once", action="store_true", help="what it does anyway")
    once.add_argument("--format", choices=FORMATS, default="table", help="what is printed; table by default")
    freeze = commands.add_parser(
        "profile",
        help="freeze what checks need of their references into a file",
        parents=[shared],
        allow_abbrev=False,
    )
    freeze.add_argument("names", nargs="*", metavar="CHECK", help="which checks; all by default")
    freeze.add_argument(
        "--version",
        metavar="VERSION",
        help="the model's version that the profile belongs to; by default the one in service",
    )
    freeze.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to write")
    return parser


def _shared_options() -> argparse.ArgumentParser:
    """What every command takes; defaults are suppressed, so that an option may stand before the command."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    options.add_argument(
        *("--config.file", "--config"), dest="config_file", type=Path, metavar="FILE", help="drift.yml"
    )
    options.add_argument(
        "--check-config", action="store_true", help="say whether the configuration can be used, and end"
    )
    options.add_argument(
        "--workers", type=_positive, metavar="N", help="how many checks run at the same time; 2 by default"
    )
    return options


def _serving_options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    options.add_argument(
        "--web.listen-address",
        dest="listen_address",
        type=_address,
        metavar="HOST:PORT",
        help="where to listen, instead of the configuration's `listen`; port 0 takes any that is free",
    )
    options.add_argument(
        "--web.token-file",
        dest="token_file",
        type=Path,
        metavar="FILE",
        help="the bearer token of POST /-/reload and /-/run/CHECK; without it both are refused",
    )
    options.add_argument(
        "--storage.path",
        dest="storage_path",
        type=lambda text: Path(text) if text else None,
        metavar="FOLDER",
        help="where results are kept over a restart; data/ by default, empty keeps them nowhere",
    )
    return options


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)
