"""The command `recwatch`."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from recwatch.cli import compare, models, plot, report, runs
from recwatch.cli.options import Options
from recwatch.cli.output import Output
from recwatch.cli.parser import create_parser
from recwatch.cli.text import printable
from recwatch.errors import RecwatchError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, *, environment: Mapping[str, str] | None = None) -> int:
    """Run the command.

    Args:
        argv: the arguments; the process's by default.
        environment: where RECWATCH_STORE, RECWATCH_HOME and RECWATCH_PROMETHEUS_URL are looked up; the
            process's by default.

    Returns:
        0: done; 1: it could not be done, with one line on standard error; 3: a report has holes. A command
        line that makes no sense ends with SystemExit and 2.
    """
    parsed = create_parser().parse_args(argv)
    options = Options.of(parsed, os.environ if environment is None else environment)
    code = 0
    try:
        with Output(sys.stdout, as_json=parsed.json) as output:
            code = _run(parsed.command, options, output)
    except (RecwatchError, OSError) as error:
        print(f"recwatch: {printable(' '.join(str(error).split()))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("recwatch: interrupted", file=sys.stderr)
        return 1
    return code


def _run(command: str, options: Options, output: Output) -> int:
    commands: dict[str, Callable[[Options, Output], int | None]] = {
        "runs": runs.run,
        "run": runs.run,
        "plot-training": plot.run,
        "compare": compare.run,
        "models": models.run,
        "report": report.run,
    }
    return commands[command](options, output) or 0
