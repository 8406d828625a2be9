"""The command line: every command and option. `docs/cli.md` shows each of them; a test compares."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from recwatch import __version__
from recwatch.durations import parse_duration
from recwatch.errors import DurationError

__all__ = ["create_parser"]

_MOST = 1_000_000
_A_RUN = "its id, the beginning of it that no other run has, or latest: the one that started last"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with a command line."""

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.split())
        sys.stderr.write(f"{self.prog}: {line} (see {self.prog} --help)\n")
        sys.exit(2)


def create_parser() -> argparse.ArgumentParser:
    """The parser of the whole command."""
    parser = _Parser(
        prog="recwatch",
        description="Shows training runs, puts versions of models into service, reports on the last days.",
        epilog="Exit codes: 0 done, 1 it could not be done, 2 the command line makes no sense, 3 a report "
        "has holes. More about a command: recwatch COMMAND --help",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    _add_common(parser, default=None)
    # Given before the command or after it: here without a default, which would hide what stood before.
    common = _Parser(add_help=False)
    _add_common(common, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    runs = commands.add_parser(
        "runs", parents=[common], help="list training runs, newest first", allow_abbrev=False
    )
    runs.add_argument(
        "run_id", nargs="?", metavar="RUN_ID", help="show this run alone, as `recwatch run` does"
    )
    runs.add_argument("--model", help="of this model alone")
    runs.add_argument(
        "--status",
        choices=["running", "completed", "failed", "lost"],
        help="in this state alone; lost: says running, but its process is gone",
    )
    runs.add_argument(
        "--limit", type=_positive, default=20, metavar="N", help="at most so many (default: %(default)s)"
    )

    run = commands.add_parser(
        "run", parents=[common], help="show everything about one run", allow_abbrev=False
    )
    run.add_argument("run_id", metavar="RUN_ID", help=_A_RUN)

    plot = commands.add_parser(
        "plot-training",
        parents=[common],
        help="draw loss and validation of one run or several",
        allow_abbrev=False,
    )
    plot.add_argument("run_ids", nargs="+", metavar="RUN_ID", help=_A_RUN)
    plot.add_argument(
        "-o", "--output", type=Path, metavar="FILE.png", help="where to (default: here, named after the runs)"
    )

    compare = commands.add_parser(
        "compare", parents=[common], help="put two runs side by side", allow_abbrev=False
    )
    compare.add_argument("run_a", metavar="RUN_A", help=_A_RUN)
    compare.add_argument("run_b", metavar="RUN_B", help=_A_RUN)

    _add_models(commands.add_parser("models", help="versions of models", allow_abbrev=False), common)
    _add_report(
        commands.add_parser(
            "report",
            parents=[common],
            help="write one HTML file about the last day or week, from Prometheus",
            allow_abbrev=False,
        )
    )
    return parser


def _add_common(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--store",
        default=default,
        metavar="URL",
        help="the store of runs, a URL or SQLite's file "
        "(default: RECWATCH_STORE, else data/store.db under RECWATCH_HOME or here)",
    )
    parser.add_argument(
        "--artifacts",
        type=Path,
        default=default,
        metavar="FOLDER",
        help="the folder of the models (default: artifacts under RECWATCH_HOME or here)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=False if default is None else default,
        help="write JSON, for machines",
    )


def _add_models(models: _Parser, common: _Parser) -> None:
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=_Parser)

    listing = actions.add_parser(
        "list", parents=[common], help="list versions, newest first", allow_abbrev=False
    )
    listing.add_argument("model", nargs="?", metavar="MODEL", help="of this model alone")

    history = actions.add_parser(
        "history", parents=[common], help="list promotions and rollbacks, newest first", allow_abbrev=False
    )
    history.add_argument("model", metavar="MODEL")

    promote = actions.add_parser(
        "promote", parents=[common], help="put a version into service", allow_abbrev=False
    )
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("version", metavar="VERSION")
    _add_change(promote)

    rollback = actions.add_parser(
        "rollback", parents=[common], help="go back to the version before", allow_abbrev=False
    )
    rollback.add_argument("model", metavar="MODEL")
    _add_change(rollback)

    prune = actions.add_parser("prune", parents=[common], help="delete old versions", allow_abbrev=False)
    prune.add_argument("model", metavar="MODEL")
    prune.add_argument(
        "--keep",
        type=_positive,
        default=5,
        metavar="N",
        help="how many of the newest stay (default: %(default)s), besides the one in service and the one "
        "before",
    )
    prune.add_argument(
        "--min-age",
        type=_duration,
        default="1d",
        metavar="DURATION",
        help="younger ones stay too (default: %(default)s)",
    )
    _add_dry_run(prune)


def _add_report(report: _Parser) -> None:
    report.add_argument(
        "--prometheus-url",
        metavar="URL",
        help="the root of Prometheus's own paths (default: RECWATCH_PROMETHEUS_URL, else http://127.0.0.1:9090)",
    )
    report.add_argument(
        "--prometheus-token-file", type=Path, metavar="FILE", help="holds a bearer token for Prometheus"
    )
    report.add_argument(
        "--period",
        type=_duration,
        default="7d",
        metavar="DURATION",
        help="about so long, 1h to 92d (default: %(default)s)",
    )
    report.add_argument(
        "--end", type=_time, metavar="TIME", help="until then, such as 2026-11-21T07:00 in UTC (default: now)"
    )
    report.add_argument(
        "--model", action="append", default=[], help="about this model alone; may be given several times"
    )
    report.add_argument(
        "-o", "--output", metavar="FILE", help="where to; - is standard output (default: report.html)"
    )
    report.add_argument(
        "--format",
        choices=["html", "text"],
        default="html",
        help="text: a summary in a few lines, on standard output without -o (default: %(default)s)",
    )
    report.add_argument(
        "--timeout",
        type=_duration,
        default="30s",
        metavar="DURATION",
        help="for each answer of Prometheus (default: %(default)s)",
    )


def _add_change(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", type=_words, required=True, help="why; kept in the history")
    parser.add_argument(
        "--expected",
        metavar="VERSION",
        help="do it only while this version is in service (none: while there is none)",
    )
    _add_dry_run(parser)


def _add_dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:10]) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r:.40}: write a whole number from 1 to {_MOST}")
    return int(text)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        at.timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r:.40} is not a time: write it as 2026-11-21T07:00"
        ) from None
    return at


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty: say why, in words for whoever reads the history")
    return text.strip()
