"""What a drift check of large Parquet files costs, in time and memory, and how that grows with the rows.

Ours is a check from the opening of the files to the judgement, with one permutation, for the others compute
the statistic alone. The other is pandas and scipy by their fastest means: `value_counts`, and `ks_2samp` of
both columns. Each runs in a process of its own, so that its peak of memory is its own; imports, and a first
run on a thousand rows, are not timed.
The picture is of checks with 199 permutations. The files hold random numbers and stay in .bench/.

    python -m benchmarks drift_scale            # 100 M ratings, 20 M interactions; about 3 GB of disk
    python -m benchmarks.drift_scale 1000000    # so many ratings, and a fifth of interactions
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from scipy import stats

from benchmarks import timing
from benchmarks.mmd_peer import peak_mebibytes
from benchmarks.table import render
from recwatch_exporter.config import Config
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.run import run_check

RATINGS = 100_000_000
INTERACTIONS = 20_000_000
ITEMS = 100_000
ROUNDS = 3
_FEW = 1_000
_CHUNK = 1 << 20
_FOLDER = Path(__file__).parent.parent / ".bench" / "drift_scale"
_PICTURE = Path(__file__).parent.parent / "docs" / "images" / "drift-scale.png"
_PERMUTATIONS = {"ours": 1, "check": 199}
_TYPES = {"ks": "ratings", "psi": "ratings", "chi2": "ratings", "spearman": "interactions"}


def run(ratings: int = RATINGS, interactions: int = INTERACTIONS) -> list[timing.Row | timing.Figure]:
    """Time each check beside pandas and scipy, draw how the cost grows, and say what memory it took."""
    rows = list[timing.Row | timing.Figure]()
    for kind, data in _TYPES.items():
        n = ratings if data == "ratings" else interactions
        folder = make(data, n)
        ours, other = _in_turn(kind, folder)
        wanted = 1 / 50 if data == "ratings" else 1 / 4
        name = f"{kind} of {data}, {n:,} rows a window"
        rows.append(timing.Row(name, ours["seconds"], other["seconds"], "pandas + scipy", wanted))
        rows.append(
            timing.Row(f"{name}: peak memory", ours["mib"], other["mib"], "pandas + scipy", unit="MiB")
        )
        if data == "ratings":
            rows.append(timing.Figure(f"{name}: peak memory", ours["mib"], "MiB", 1024, at_most=True))
    draw(growth(ratings))
    return rows


def make(data: str, n: int) -> Path:
    """Two windows of n rows: ratings in half stars, or interactions whose items follow Zipf's law."""
    folder = _FOLDER / f"{data}-{n}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, side in enumerate(("reference", "current")):
        path = folder / f"{side}.parquet"
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        columns = {"ratings": _ratings, "interactions": _interactions}[data]
        part = path.with_name(f".{path.name}")
        writer = None
        for start in range(0, n, _CHUNK):
            table = pa.table(columns(rng, min(_CHUNK, n - start), number))
            writer = writer or pq.ParquetWriter(part, table.schema)
            writer.write_table(table)
        if writer is not None:
            writer.close()
        part.rename(path)
    return folder


def _ratings(rng: np.random.Generator, n: int, side: int) -> dict[str, Any]:
    return {"rating": np.clip(np.round(rng.normal(3.5 + 0.05 * side, 1, n) * 2) / 2, 0.5, 5)}


def _interactions(rng: np.random.Generator, n: int, side: int) -> dict[str, Any]:
    ranks = np.floor(ITEMS ** rng.random(n)).astype(np.int64) - 1  # P(rank) is proportional to 1 / rank
    return {"item_id": (ranks + 37 * side) % ITEMS}


def _in_turn(kind: str, folder: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds and greatest memory of ours and of the other, in turn."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "other": []}
    for _ in range(ROUNDS):
        for who, runs in found.items():
            command = [sys.executable, "-m", "benchmarks.drift_scale", who, kind, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            runs.append(json.loads(done.stdout.splitlines()[-1]))
    ours, other = (
        {"seconds": median(run["seconds"] for run in runs), "mib": max(run["mib"] for run in runs)}
        for runs in found.values()
    )
    return ours, other


def ours(kind: str, folder: Path, permutations: int) -> None:
    """One check of the exporter."""
    sides = {side: {"path": f"{side}.parquet"} for side in ("reference", "current")}
    column = "item_id" if kind == "spearman" else "rating"
    entry = {
        "name": kind,
        "type": kind,
        "column": column,
        "permutations": permutations,
        "alpha": 0.5,
        "timeout": "1h",
        **sides,
    }
    check = Config.model_validate({"checks": [entry]}, context={"base": folder}).checks[0]
    (finding,) = run_check(check, now=datetime.now(UTC), deadline=Deadline(check.timeout)).findings
    assert finding.statistic is not None


def other(kind: str, folder: Path) -> None:
    """The same statistic as a notebook computes it."""
    before, after = (
        pd.read_parquet(folder / f"{side}.parquet").iloc[:, 0] for side in ("reference", "current")
    )
    if kind == "ks":
        assert stats.ks_2samp(before, after, method="asymp").statistic >= 0
        return
    counts = pd.concat([before.value_counts(), after.value_counts()], axis=1).fillna(0).to_numpy()
    if kind == "chi2":
        assert stats.chi2_contingency(counts.T).statistic >= 0
    elif kind == "psi":
        shares = (counts + 0.5) / (counts + 0.5).sum(axis=0)
        assert np.sum((shares[:, 0] - shares[:, 1]) * np.log(shares[:, 0] / shares[:, 1])) >= 0
    else:
        assert stats.spearmanr(counts[:, 0], counts[:, 1]).statistic <= 1


def growth(ratings: int) -> dict[str, list[tuple[int, float, float]]]:
    """Rows, seconds and MiB of ours, for a hundredth, a tenth and all of the rows."""
    sizes = [max(1, ratings // 100), max(1, ratings // 10), ratings]
    found: dict[str, list[tuple[int, float, float]]] = {}
    for kind in ("ks", "psi", "chi2"):
        for size in sizes:
            folder = make("ratings", size)
            command = [sys.executable, "-m", "benchmarks.drift_scale", "check", kind, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            found.setdefault(kind, []).append((size, figures["seconds"], figures["mib"]))
            print(f"  {kind} {size:,}: {figures['seconds']:.2f} s, {figures['mib']:.0f} MiB", file=sys.stderr)
    return found


def draw(found: dict[str, list[tuple[int, float, float]]]) -> None:
    """How time and memory grow with the rows; rows and time on logarithmic axes."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, place, label in ((axes[0], 1, "seconds"), (axes[1], 2, "peak memory, MiB")):
        for (kind, points), marker in zip(found.items(), "osd", strict=True):
            axis.plot(
                [point[0] for point in points], [point[place] for point in points], marker=marker, label=kind
            )
        axis.set(xscale="log", xlabel="rows in each window", ylabel=label)
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[1].set_ylim(0, None)
    axes[0].legend(frameon=False)
    figure.suptitle("A whole check of ratings in Parquet: a hundredth, a tenth and all of the rows")
    _PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(_PICTURE, dpi=130)


def _measured(who: str, kind: str, folder: Path) -> None:
    """Print seconds, and the greatest memory of this process."""
    work = partial(other, kind) if who == "other" else partial(ours, kind, permutations=_PERMUTATIONS[who])
    work(folder=make(_TYPES[kind], _FEW))  # libraries load and compile at their first use
    begun = perf_counter()
    work(folder=folder)
    seconds = perf_counter() - begun
    print(json.dumps({"seconds": seconds, "mib": peak_mebibytes()}))


if __name__ == "__main__":
    if sys.argv[1] in ("ours", "check", "other"):
        _measured(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    else:
        print(render(run(int(sys.argv[1]), int(sys.argv[1]) // 5), colour=False))
