"""What watching adds to a request of FastAPI, beside the two well-known middlewares.

recwatch counts and times the HTTP request and the recommendation (`RecommenderMetrics.request`); the others
do the HTTP request alone. The rows "with scores" also hand each request to a recorder, whose thread makes a
histogram of the returned items' scores, and count that thread's CPU time. `benchmarks/driver.py` says how one
round is timed.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.environments import PEERS, python_of
from benchmarks.timing import Row

ROUNDS = 41
UNIT = "µs"


def _measure(pythons: dict[str, Path], environment: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Medians over the rounds, each library's in turn: what a bare request costs, what watching adds."""
    driver = Path(__file__).parent / "driver.py"
    with ExitStack() as stack:
        processes = {}
        for name, python in pythons.items():
            process = subprocess.Popen(
                [str(python), str(driver), name],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes[name] = process
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in pythons}
        for _ in range(ROUNDS):
            for name, process in processes.items():
                assert process.stdin is not None
                assert process.stdout is not None
                print("round", file=process.stdin, flush=True)
                bare, watched = map(float, process.stdout.readline().split())
                times[name].append((bare, watched - bare))
    return {
        name: (statistics.median(bare for bare, _ in pairs), statistics.median(more for _, more in pairs))
        for name, pairs in times.items()
    }


def _rows(measured: dict[str, tuple[float, float]], mode: str, target: float) -> list[Row]:
    bare, ours = measured["recwatch"]
    _, scored = measured["recwatch, scores"]
    better = min(PEERS, key=lambda name: measured[name][1])
    rows = [
        Row(f"watching a request, {mode}", ours, measured[name][1], name, target=target, unit=UNIT)
        for name in sorted(PEERS, key=lambda name: name != better)
    ]
    rows.append(
        Row(
            f"with scores, their thread's CPU included, {mode}",
            scored,
            measured[better][1],
            better,
            unit=UNIT,
        )
    )
    rows.append(Row(f"a whole request, {mode}", bare + ours, bare, "unwatched", unit=UNIT))
    return rows


def run() -> list[Row]:
    """One process at most 1/6 of the better peer, in multiprocess mode at most 1/3."""
    own = dict.fromkeys(("recwatch", "recwatch, scores"), Path(sys.executable))
    pythons = {**own, **{name: python_of(name) for name in PEERS}}
    rows = _rows(_measure(pythons, {}), "one process", 1 / 6)
    with tempfile.TemporaryDirectory() as folder:
        shared = {"PROMETHEUS_MULTIPROC_DIR": folder}
        return rows + _rows(_measure(pythons, shared), "multiprocess", 1 / 3)
