"""`recwatch report`: one HTML file about the last day or week, from Prometheus."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from recwatch.cli.errors import CommandError
from recwatch.cli.options import Options
from recwatch.cli.output import Output, to_json
from recwatch.report.asking import ask
from recwatch.report.building import build
from recwatch.report.document import Report, document
from recwatch.report.period import period_until
from recwatch.report.prometheus import Prometheus
from recwatch.report.summary import headline, text
from recwatch.report.units import moment

__all__ = ["INCOMPLETE", "run"]

INCOMPLETE = 3
"""The exit code of a report with holes."""
_FILE = "report.html"
_MOST_TOKEN = 16 * 1024


def run(options: Options, output: Output) -> int:
    """Ask Prometheus, write the report; returns the exit code.

    Raises:
        CommandError: when the end is yet to come, the token cannot be read, the file not be written, or a
            package is missing.
        ReportError: when there is no Prometheus, or what is asked for makes no sense.
    """
    arguments = options.arguments
    shape = "json" if output.as_json else arguments.format
    if shape == "html":
        _page()  # says now, not after a minute, that a package is missing
    now = time.time()
    end = now if arguments.end is None else arguments.end.timestamp()
    if end > now:
        raise CommandError(f"--end: {moment(end)} UTC is in the future: choose a time that is over")
    period = period_until(end, arguments.period)
    token = None if arguments.prometheus_token_file is None else _token(arguments.prometheus_token_file)
    prometheus = Prometheus(options.prometheus_url, token=token, timeout=arguments.timeout.total_seconds())
    answers = ask(prometheus, period, models=arguments.model, progress=_progress)
    report = build(answers, period, source=prometheus.name, models=arguments.model)
    written = {
        "html": lambda: _page()(report),
        "text": lambda: text(report),
        "json": lambda: to_json(document(report)),
    }
    target = arguments.output or (_FILE if shape == "html" else "-")
    if target == "-":
        output.raw(written[shape]())
    else:
        _write(Path(target), written[shape]())
        output.line(f"{target}: {headline(report)}")
    if report.gaps:
        sys.stderr.write(
            f"recwatch: the report has holes: {report.gaps} questions have no answer (it says which)\n"
        )
    return INCOMPLETE if report.gaps else 0


def _page() -> Callable[[Report], str]:
    """Return what writes the page; jinja2 is no part of the extra `cli`."""
    try:
        from recwatch.report.page import page  # noqa: PLC0415 - an extra, and not needed for text
    except ModuleNotFoundError as error:
        raise CommandError(str(error)) from error
    return page


def _token(file: Path) -> str:
    try:
        with file.open(encoding="ascii") as opened:
            token = opened.read(_MOST_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "holds what no token can"
        raise CommandError(
            f"--prometheus-token-file: {file}: {why}: name a file that holds the token"
        ) from error
    if not token:
        raise CommandError(f"--prometheus-token-file: {file} is empty: name a file that holds the token")
    return token


def _write(target: Path, content: str) -> None:
    """Write a file whole or not at all: a report of last week stays until the new one is there."""
    if target.is_dir():
        raise CommandError(f"{target} is a folder: name a file with -o, such as {target / _FILE}")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(content, encoding="utf-8", errors="replace")
        unfinished.replace(target)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise CommandError(f"{target} cannot be written: {error.strerror}: choose another with -o") from error


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rAsking Prometheus: {done} of {of}" if done < of else "\r\x1b[K")
        sys.stderr.flush()
