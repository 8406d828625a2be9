"""Run benchmarks and print one table: `python -m benchmarks`, or `python -m benchmarks middleware scrape`."""

import argparse
import importlib
import os
import sys
import traceback
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.table import render

if TYPE_CHECKING:
    from benchmarks.timing import Figure, Row

NAMES = (
    "middleware",
    "scrape",
    "request_log",
    "quality",
    "training",
    "drift_counts",
    "drift_scale",
    "drift_scrape",
    "drift_vectors",
    "memory",
    "bridge",
    "rules",
)


def main(arguments: list[str] | None = None) -> int:
    """Print the table on standard output, progress on standard error.

    Returns:
        0 where every promise was reached, 1 where one was not or a benchmark failed.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all by default")
    chosen = parser.parse_args(arguments).names or list(NAMES)
    unknown = [name for name in chosen if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}")
    rows: list[Row | Figure] = []
    failed = []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        begun = perf_counter()
        try:
            rows += importlib.import_module(f"benchmarks.{name}").run()
        except Exception:  # noqa: BLE001 - one that fails must not hide the others' figures
            traceback.print_exc()
            failed.append(name)
        print(f"{name}: {perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(render(rows, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    for name in failed:
        print(f"{name} failed; the error is above")
    return 1 if failed or any(row.reached is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
