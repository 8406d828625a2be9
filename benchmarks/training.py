"""What TrainingRun adds to a training: ALS of implicit on synthetic interactions, watched and bare in turn.

A training of 30 s takes a few percent longer or shorter from one time to the next, so two of them cannot show
one percent. Here every second iteration of one training is watched, in a process of its own; the median of
each kind times their number is a training's time. To the watched one all the rest is added: the import of
recwatch and of what it needs, the start, the end, and the thread that writes rows. It is CPU time, which
other programs disturb less; what a start and an end take on the clock is a line of its own.

The store is there already, as from the second training on: to make its tables takes another half second.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks.timing import Figure, Row

SECONDS = 30.0
USERS, ITEMS, DENSITY, FACTORS = 20_000, 5_000, 0.01, 64
CALLS = 5_000


def _store_url(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


def _matrix() -> Any:
    return sp.random(
        USERS, ITEMS, density=DENSITY, format="csr", dtype=np.float32, rng=np.random.default_rng(0)
    )


def _trainer(matrix: Any) -> Callable[[], float]:
    """A training that goes on by one iteration a call and returns the loss."""
    from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415 - only the process of its own needs it

    losses: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = AlternatingLeastSquares(
            factors=FACTORS, iterations=1, num_threads=1, calculate_training_loss=True, random_state=0
        )

    def advance() -> float:
        model.fit(matrix, show_progress=False, callback=lambda _number, _seconds, loss: losses.append(loss))
        return losses[-1]

    return advance


def _timed(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    begun = clock()
    work()
    return clock() - begun


def _ends(folder: Path) -> tuple[float, float]:
    """Seconds on the clock and of the CPU that a run takes which does nothing."""
    wall, cpu = time.perf_counter(), time.process_time()
    from recwatch.training import start_run  # noqa: PLC0415 - its import is part of the cost

    start_run("als", store_url=_store_url(folder), log_dir=folder, serve_metrics=0).finish()
    return time.perf_counter() - wall, time.process_time() - cpu


def _training(folder: Path) -> tuple[float, float]:
    """CPU seconds of iterations that are watched and of as many that are not, in turn."""
    from recwatch.training import start_run  # noqa: PLC0415 - `_ends` times its import, in this same module

    advance = _trainer(_matrix())
    advance()  # warm up
    run = start_run("als", store_url=_store_url(folder), log_dir=folder, serve_metrics=0)
    thread = run._effects._writer._thread.ident  # type: ignore[union-attr] # noqa: SLF001
    assert thread is not None
    clock = time.pthread_getcpuclockid(thread)
    written_until = time.clock_gettime(clock)
    watched: list[float] = []
    bare: list[float] = []

    def step() -> None:
        run.iteration(len(watched) + 1, loss=advance())
        run.validation({"recall@10": 0.2, "ndcg@10": 0.1})

    while len(bare) * statistics.median(bare or [0.0]) < SECONDS:
        bare.append(_timed(advance))
        watched.append(_timed(step))
    writing = (time.clock_gettime(clock) - written_until) / 2  # it also wrote while bare iterations went on
    run.finish()
    return len(watched) * statistics.median(watched) + writing, len(bare) * statistics.median(bare)


def _iteration(folder: Path) -> float:
    """Milliseconds that an iteration takes, with SQLite, log and metrics."""
    from recwatch.training import start_run  # noqa: PLC0415 - as above

    run = start_run("als", store_url=_store_url(folder), log_dir=folder, serve_metrics=0)

    def work(number: int) -> None:
        run.iteration(number, CALLS, loss=100.0 / number, samples=1_600_000)
        run.validation({"recall@10": 0.2, "ndcg@10": 0.1})

    begun = time.perf_counter()
    for number in range(1, CALLS + 1):
        work(number)
    seconds = time.perf_counter() - begun
    run.finish()
    return seconds / CALLS * 1000


def _in_a_process(what: str, folder: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.training", what, str(folder)]
    first, second = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return float(first), float(second)


def run() -> Sequence[Row | Figure]:
    """A run of 30 s with and without, its start and end alone, and what an iteration costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _in_a_process("ends", folder)  # makes the tables
        ends = [_in_a_process("ends", folder) for _ in range(5)]
        wall, cpu = (statistics.median(column) for column in zip(*ends, strict=True))
        watched, bare = _in_a_process("training", folder)
        iteration = _iteration(folder)
    interactions = int(USERS * ITEMS * DENSITY)
    return [
        Row(
            f"ALS, {USERS:,} users, {interactions:,} interactions, watched",
            watched + cpu,
            bare,
            "the same training bare",
            target=1.01,
            unit="s of CPU",
        ),
        Figure("import, start and end of a run, on the clock", wall, "s", SECONDS / 100, at_most=True),
        Figure("iteration and validation, with SQLite, log and metrics", iteration, "ms", 0.5, at_most=True),
    ]


if __name__ == "__main__":
    with threadpool_limits(1, "blas"):
        measured = {"ends": _ends, "training": _training}[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(measured))
