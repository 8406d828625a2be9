"""Train a model and publish it: `python -m recommender.train --model als`.

Whoever starts a training says so by the environment: RECWATCH_RUN_ID names the run, RECWATCH_REASON says why,
RECWATCH_RESULT names the file that the result goes to, RECWATCH_PUSHGATEWAY (host:port) takes the metrics.
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from recommender.comparison import Result
from recommender.data import DEFAULT_START
from recommender.errors import RecommenderError
from recommender.files import write_json
from recommender.fitters import FITTERS
from recommender.paths import Home
from recommender.times import parse_date
from recommender.training import Job, train
from recwatch import logs
from recwatch.errors import RecwatchError
from recwatch.registry import ModelRegistry


@dataclass(frozen=True)
class Command:
    """A job, and what to do with its result.

    Attributes:
        job: what to train.
        promote: put the new version into service at once.
        reason: why; stands in the history of promotions.
        result_file: gets the result as JSON; None for no file.
    """

    job: Job
    promote: bool
    reason: str
    result_file: Path | None


def parse(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> Command:
    """Read the command line and the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m recommender.train", description="Train a model on MovieLens and publish it."
    )
    parser.add_argument(
        "--model",
        choices=sorted(FITTERS),
        default=environment.get("RECWATCH_MODEL") or None,
        help="default: RECWATCH_MODEL",
    )
    parser.add_argument(
        "--auto-select", action="store_true", help="search the hyper-parameters on validation"
    )
    parser.add_argument("--until", type=parse_date, metavar="DATE", help="ratings before it; default: all")
    parser.add_argument("--window", type=_days, metavar="DAYS", help="train on so many days; default: all")
    parser.add_argument("--home", type=Path, default=Path(environment.get("RECWATCH_HOME") or "."))
    parser.add_argument(
        "--start",
        type=parse_date,
        default=DEFAULT_START,
        metavar="DATE",
        help="end of history, if it is made now",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--promote", action="store_true", help="put the new version into service, ungated")
    found = parser.parse_args(arguments)
    if found.model not in FITTERS:
        parser.error(f"--model: choose among {', '.join(sorted(FITTERS))}, or set RECWATCH_MODEL to one")
    job = Job(
        model=found.model,
        home=Home(found.home),
        until=found.until,
        window=found.window,
        auto_select=found.auto_select,
        seed=found.seed,
        start=found.start,
        run_id=environment.get("RECWATCH_RUN_ID") or None,
        pushgateway=environment.get("RECWATCH_PUSHGATEWAY") or None,
    )
    result_file = environment.get("RECWATCH_RESULT")
    return Command(
        job=job,
        promote=found.promote,
        reason=environment.get("RECWATCH_REASON") or "promoted by hand",
        result_file=Path(result_file) if result_file else None,
    )


def _days(text: str) -> timedelta:
    days = float(text)
    if not 0 < days < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of days")
    return timedelta(days=days)


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Train; 0 on success, 1 with a message on what stopped it. SIGTERM ends it with 143 and a failed run."""
    command = parse(arguments, os.environ if environment is None else environment)
    logs.configure()
    logging.getLogger("implicit").setLevel(logging.WARNING)  # its loss lines say what ours say
    with _stopped_by_sigterm():
        return _run(command)


def _run(command: Command) -> int:
    try:
        result = train(command.job, _tell)
        if command.result_file is not None:
            write_json(command.result_file, result.to_json())
        if command.promote:
            registry = ModelRegistry(command.job.home.artifacts(command.job.model))
            registry.promote(result.version, reason=command.reason)
    except (RecommenderError, RecwatchError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _summarise(command, result)
    return 0


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the block by SystemExit, so that the run is recorded, counted and pushed as failed."""

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(number, signal.SIG_IGN)  # the end of the run is short: nothing cuts it shorter
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _summarise(command: Command, result: Result) -> None:
    _tell(f"{command.job.model} {result.version} is {'in service' if command.promote else 'published'}")
    for name, value in result.metrics.items():
        serving = (
            "" if result.serving_metrics is None else f" (in service: {result.serving_metrics[name]:.4f})"
        )
        _tell(f"  {name}: {value:.4f}{serving}")
    _tell(f"  users: {result.samples}")


if __name__ == "__main__":
    raise SystemExit(main())
