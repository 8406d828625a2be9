"""The checks that a command is about, run side by side with a progress bar."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recwatch.config import load_config
from recwatch.errors import ConfigError
from recwatch_exporter.config import Check, Config
from recwatch_exporter.process import jobs
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.process.workers import WorkerPool

T = TypeVar("T")


def chosen_checks(options: argparse.Namespace) -> tuple[Check, ...]:
    """The checks that are named, in the order of the configuration; all where none is.

    Raises:
        ConfigError: when the configuration cannot be used, or has no check of that name.
    """
    checks = load_config(options.config_file, Config).checks
    unknown = [name for name in options.names if name not in {check.name for check in checks}]
    if unknown:
        known = ", ".join(check.name for check in checks)
        raise ConfigError(f"{options.config_file}: no check {', '.join(unknown)}: choose from {known}")
    return tuple(check for check in checks if not options.names or check.name in options.names)


def run_each(
    checks: Sequence[Check], work: Callable[[Check, jobs.Remote, Deadline], T], *, workers: int, doing: str
) -> list[T]:
    """Do something for each check in worker processes; what came of it, in the order of the checks.

    Args:
        checks: which.
        work: called from several threads, must not raise.
        workers: how many at the same time.
        doing: what is being done, for the progress bar.
    """
    pool = WorkerPool(jobs.__name__, jobs.MODULE)
    deadlines = [Deadline(check.timeout) for check in checks]
    threads = ThreadPoolExecutor(workers, thread_name_prefix="check")
    try:
        futures = [
            threads.submit(work, check, jobs.Remote(pool), deadline)
            for check, deadline in zip(checks, deadlines, strict=True)
        ]
        with _progress(doing, len(checks)) as step:
            for future in as_completed(futures):
                step()
                future.result()
        return [future.result() for future in futures]
    finally:
        for deadline in deadlines:
            deadline.cancel()
        threads.shutdown(cancel_futures=True)
        pool.close()


@contextmanager
def _progress(doing: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error where that is a terminal; nothing elsewhere."""
    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda: progress.advance(task)
