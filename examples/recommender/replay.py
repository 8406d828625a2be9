"""Replay the real history against a running service, in time order and faster than life.

`python -m recommender.replay --url http://127.0.0.1:8000 --from 2003-05-01 --days-per-second 1`

Before a user's ratings a recommendation is asked for, again after every few of them; what is recommended and
what he rates later, in the future that the service has not seen, he clicks. Nothing is invented but the pace.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recommender.data import DEFAULT_START, load_movielens
from recommender.pacing import Pacer
from recommender.paths import Home
from recommender.player import Player, ServiceClient
from recommender.times import parse_date, to_datetime64


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    url: str
    home: Home
    start: datetime
    until: datetime | None
    days_per_second: float
    max_per_second: float


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; `RECWATCH_HOME` is the default of `--home`."""
    parser = argparse.ArgumentParser(
        prog="python -m recommender.replay", description="Replay MovieLens against a running service."
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the service")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("RECWATCH_HOME", ".")))
    parser.add_argument("--from", dest="start", type=parse_date, default=DEFAULT_START, metavar="DATE")
    parser.add_argument("--until", type=parse_date, metavar="DATE", help="stop before it; default: the end")
    parser.add_argument("--days-per-second", type=_positive, default=1.0, metavar="DAYS")
    parser.add_argument(
        "--max-per-second", type=_positive, default=20.0, metavar="REQUESTS", help="never more than that"
    )
    found = parser.parse_args(arguments)
    return Options(
        found.url, Home(found.home), found.start, found.until, found.days_per_second, found.max_per_second
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay until the end, or until SIGTERM or SIGINT."""
    options = parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    ratings, _ = load_movielens()
    future = ratings.between(to_datetime64(options.start), None)
    played = future.between(None, None if options.until is None else to_datetime64(options.until))
    pacer = Pacer(options.start, options.days_per_second, options.max_per_second, stop)
    with ServiceClient(options.url) as client:
        Player(
            client,
            pacer,
            played,
            future=future,
            position_file=options.home.replay_position,
            output=sys.stdout,
        ).play()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
