"""Cosines of a million pairs of vectors, and MMD of thousands and of millions of rows.

`python -m benchmarks.drift_vectors WORK ...` does one piece of work in a process of its own, so that its
memory can be told, and prints seconds and MiB.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import yaml
from sklearn.metrics.pairwise import cosine_similarity

from benchmarks.environments import python_of
from benchmarks.mmd_peer import peak_mebibytes
from benchmarks.timing import Figure, Row, compare
from recwatch.config import load_config
from recwatch_exporter.checks.mmd import MMD, MmdOptions
from recwatch_exporter.checks.sample_type import SampleTerms
from recwatch_exporter.config import Config
from recwatch_exporter.data import Pairs, Sample
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.run import run_check
from recwatch_exporter.statistics.cosines import summarise

SEED_ROWS, PAIRS, DIMENSIONS = 20_000, 1_000_000, 768
SMALL, LARGE, COLUMNS, PERMUTATIONS = 2_000, 1_000_000, 64, 1_000
_AT_ONCE = 8192


class _Drawn:
    """`data.Rows` of a normal distribution, drawn anew at every reading: rows without a file's cost."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.dimensions, self.left_out = n, COLUMNS, 0
        self._seed = seed

    def batches(self) -> Iterator[Sample]:
        rng = np.random.default_rng(self._seed)
        for start in range(0, self.n, _AT_ONCE):
            yield Sample(rng.normal(size=(min(_AT_ONCE, self.n - start), COLUMNS)))

    def sample(self, size: int, *, seed: int) -> Sample:
        rows = np.random.default_rng([self._seed, seed]).normal(size=(min(size, self.n), COLUMNS))
        return Sample(rows)


def _mmd(n: int) -> None:
    terms = SampleTerms(
        columns=tuple(f"f{number}" for number in range(COLUMNS)),
        seed=0,
        permutations=PERMUTATIONS,
        options=MmdOptions(),
    )
    MMD.compare(MMD.freeze(_Drawn(n, 1), terms), _Drawn(n, 2), terms)


def _read(*paths: str) -> None:
    for path in paths:
        with Path(path).open("rb", buffering=0) as file:
            buffer = bytearray(2**24)
            while file.readinto(buffer):
                pass


def _cosines(*paths: str) -> None:
    """The whole check: configuration, memory-mapped files, mean, spread, worst ids."""
    first, second = paths
    check = {
        "name": "vectors",
        "type": "embedding",
        "column": "vector",
        "key": "row",
        "reference": {"path": first},
        "current": {"path": second},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"checks": [check]}, file)
        file.flush()
        (loaded,) = load_config(Path(file.name), Config, {}).checks
    result = run_check(loaded, now=datetime.now(UTC), deadline=Deadline(timedelta(hours=1)))
    assert result.findings[0].statistic is not None


def _child(work: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.drift_vectors", work, *arguments]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(found.stdout))


def _peer(library: str) -> dict[str, float]:
    script = Path(__file__).with_name("mmd_peer.py")
    command = [str(python_of(library)), str(script), library, str(SMALL), str(COLUMNS)]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(found.stdout.splitlines()[-1]))


def _against_the_seed(rows: int) -> list[Row]:
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((rows, DIMENSIONS), dtype=np.float32) for _ in range(2))
    ids = np.arange(rows)

    def chunks() -> Iterator[Pairs]:
        for start in range(0, rows, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            yield Pairs(ids[part], first[part], second[part])

    def seed() -> float:
        return float(np.mean(np.diag(cosine_similarity(first, second))))

    assert abs(summarise(chunks()).mean - seed()) < 1e-6
    name = f"mean cosine of {rows:,} x {DIMENSIONS} float32 pairs"
    return [
        compare(
            name, lambda: summarise(chunks()), seed, "np.diag(cosine_similarity(a, b))", rounds=3, target=0.01
        )
    ]


def _memory_mapped(pairs: int) -> list[Row | Figure]:
    with tempfile.TemporaryDirectory(prefix="recwatch-bench-") as folder:
        paths = [str(Path(folder) / name) for name in ("a.npy", "b.npy")]
        rng = np.random.default_rng(0)
        for path in paths:
            array: Any = np.lib.format.open_memmap(path, "w+", np.float32, (pairs, DIMENSIONS))
            for start in range(0, pairs, _AT_ONCE):
                stop = min(start + _AT_ONCE, pairs)
                array[start:stop] = rng.standard_normal((stop - start, DIMENSIONS), dtype=np.float32)
            array.flush()
            del array
        runs = [(_child("read", *paths), _child("cosines", *paths)) for _ in range(3)]
    reading = float(np.median([run[0]["seconds"] for run in runs]))
    cosines = float(np.median([run[1]["seconds"] for run in runs]))
    name = f"cosine check of {pairs:,} x {DIMENSIONS} float32 pairs, memory-mapped"
    peak = max(run[1]["mebibytes"] for run in runs)
    return [
        Row(name, cosines, reading, "reading both files", target=1.5),
        Figure(f"{name}: memory", peak, "MiB", 1024, at_most=True),
    ]


def _kernels(large: int) -> list[Row | Figure]:
    _mmd(SMALL)  # warms up
    begun = perf_counter()
    for _ in range(3):
        _mmd(SMALL)
    small = (perf_counter() - begun) / 3
    name = f"MMD of {SMALL:,} + {SMALL:,} rows, {COLUMNS} columns, {PERMUTATIONS:,} permutations"
    alibi, evidently = _peer("alibi-detect"), _peer("evidently")
    own = _child("mmd", str(SMALL))
    huge = _child("mmd", str(large))
    many = f"MMD of {large:,} + {large:,} rows, {COLUMNS} columns, {PERMUTATIONS:,} permutations"
    return [
        Row(name, small, alibi["seconds"], "alibi-detect, torch", target=1 / 20),
        Row(name, small, evidently["seconds"], "evidently, one column", target=1 / 200),
        Row(f"{name}: memory", own["mebibytes"], alibi["mebibytes"], "alibi-detect", unit="MiB"),
        Row(f"{name}: memory", own["mebibytes"], evidently["mebibytes"], "evidently", unit="MiB"),
        Figure(many, huge["seconds"], "s", 60, at_most=True),
        Figure(f"{many}: memory", huge["mebibytes"], "MiB", 2048, at_most=True),
    ]


def run(*, seed_rows: int = SEED_ROWS, pairs: int = PAIRS, large: int = LARGE) -> list[Row | Figure]:
    """Cosines beside the seed's formula and beside reading; MMD beside two libraries.

    Args:
        seed_rows: as many as the seed's formula has memory for: it needs 4 bytes for each pair of rows.
        pairs: of the memory-mapped files, which take 3 kB each.
        large: rows a window of the largest MMD.
    """
    return [*_against_the_seed(seed_rows), *_memory_mapped(pairs), *_kernels(large)]


def main(work: str, *arguments: str) -> None:
    begun = perf_counter()
    if work == "mmd":
        _mmd(int(arguments[0]))
    else:
        {"read": _read, "cosines": _cosines}[work](*arguments)
    seconds = perf_counter() - begun
    print(json.dumps({"seconds": seconds, "mebibytes": peak_mebibytes()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
