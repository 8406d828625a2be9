"""Many tasks over a few processes, with a bar that shows how far they are."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.calibration.cache import Cache

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Two processes with two threads each would only wait for each other."""


class Task(Protocol):
    """A piece of work that another process can do."""

    @property
    def name(self) -> str:
        """Of its file in the cache."""
        ...

    @property
    def code(self) -> str:
        """A digest of the code that does it."""
        ...

    def run(self) -> dict[str, Any]:
        """Do it; the result can be written as JSON."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What came of the tasks, by their names: results, or errors."""

    results: dict[str, dict[str, Any]]
    errors: dict[str, str]


def run_all(tasks: Sequence[Task], cache: Cache, *, processes: int) -> Outcome:
    """Do what the cache does not hold yet; a task that fails does not lose the others."""
    codes = {task.name: task.code for task in tasks}
    kept = {task.name: cache.read(task.name, codes[task.name]) for task in tasks}
    results = {name: found for name, found in kept.items() if found is not None}
    errors: dict[str, str] = {}
    waiting = [task for task in tasks if task.name not in results]
    with (
        _bar() as bar,
        ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool,
    ):
        shown = bar.add_task("calibration", total=len(tasks), completed=len(results))
        running = {pool.submit(task.run): task for task in waiting}
        try:
            for future in as_completed(running):
                task = running[future]
                error = future.exception()
                if error is None:
                    results[task.name] = future.result()
                    cache.write(task.name, codes[task.name], results[task.name])
                else:
                    errors[task.name] = _told(error)
                bar.update(shown, advance=1, description=task.name)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    return Outcome(results, errors)


def _told(error: BaseException) -> str:
    """The error, and what a program that we asked said on its standard error."""
    more = getattr(error, "stderr", None)
    return f"{type(error).__name__}: {error}" + (f"\n{more.strip()[-2000:]}" if more else "")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
