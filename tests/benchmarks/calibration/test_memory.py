"""The window in memory answers as the exporter's own window over a file does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.calibration.memory import MemoryWindow, table
from benchmarks.calibration.splits import make_check
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.data import Cluster, SideCounts
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.opening import open_windows
from recwatch_exporter.sources.window import Window

Both = tuple[MemoryWindow, Window]
ROWS = 500


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    hours = np.arange(ROWS) * np.timedelta64(1, "h")
    return {
        "amount": rng.standard_normal(ROWS),
        "rating": rng.integers(1, 6, ROWS) / 2,
        "genre": np.array(["drama", "comedy", "war"])[rng.integers(0, 3, ROWS)],
        "user_id": rng.integers(0, 20, ROWS),
        "time": np.datetime64("2024-01-01T05:00:00", "us") + hours,
    }


@pytest.fixture
def both(columns: dict[str, np.ndarray], tmp_path: Path) -> Iterator[Both]:
    path = tmp_path / "window.parquet"
    pq.write_table(pa.table(columns), path)
    said = {"column": "rating", "reference": {"path": str(path)}, "current": {"path": str(path)}}
    check = make_check(TYPES["ks"], said, permutations=99)
    deadline = Deadline(timedelta(minutes=1))
    with open_windows(check, now=datetime(2024, 6, 1, tzinfo=UTC), deadline=deadline) as windows:
        yield MemoryWindow("current", table(**columns)), windows.current


def counted(side: SideCounts | None) -> set[tuple[object, ...]]:
    assert side is not None
    clusters = [None] * len(side.values) if side.clusters is None else side.clusters.tolist()
    return set(zip(side.values.tolist(), side.counts.tolist(), clusters, strict=True))


@pytest.mark.parametrize("column", ["rating", "genre"])
@pytest.mark.parametrize(
    "cluster",
    [None, Cluster("user_id"), Cluster("time", timedelta(hours=48))],
    ids=["none", "users", "blocks"],
)
def test_values_are_counted_alike(both: Both, column: str, cluster: Cluster | None) -> None:
    numeric = column == "rating"
    ours, theirs = (window.count_values(column, cluster, numeric=numeric, limit=10) for window in both)

    assert counted(ours) == counted(theirs)
    assert all(window.count_values(column, cluster, numeric=numeric, limit=2) is None for window in both)


def test_cells_are_counted_alike(both: Both) -> None:
    edges = np.array([-1.0, 0.0, 0.5])
    cluster = Cluster("user_id")
    ours, theirs = (window.count_cells("amount", edges, cluster) for window in both)

    assert counted(ours) == counted(theirs)


def test_figures_are_alike(both: Both) -> None:
    ours, theirs = both
    probabilities = np.array([0.0, 0.013, 0.5, 0.9, 1.0])

    assert ours.rows() == theirs.rows() == ROWS
    assert {name: theirs.columns[name] for name in ours.columns} == ours.columns
    assert ours.newest("time") == theirs.newest("time")
    assert ours.quantiles("amount", probabilities) == pytest.approx(theirs.quantiles("amount", probabilities))
    assert ours.moments("amount").std == pytest.approx(theirs.moments("amount").std)
    assert ours.most_frequent("genre", 2) == theirs.most_frequent("genre", 2)
    facts = [window.facts(("amount", "genre"), key=("user_id",)) for window in both]
    assert facts[0] == facts[1]


def test_segments_are_alike(both: Both) -> None:
    ours, theirs = (window.segment("genre", "war") for window in both)

    assert ours.rows() == theirs.rows() < ROWS
    assert counted(ours.count_values("rating", None, numeric=True)) == counted(
        theirs.count_values("rating", None, numeric=True)
    )


def test_distances_are_alike(both: Both) -> None:
    ours, theirs = both

    found = ours.distances(ours.segment("genre", "war"), "amount")

    assert found == pytest.approx(theirs.distances(theirs.segment("genre", "war"), "amount"), rel=1e-9)


def test_rows_are_alike(both: Both) -> None:
    ours, theirs = (window.numbers(["amount", "rating"], Cluster("user_id")) for window in both)

    assert (ours.n, ours.dimensions, ours.left_out) == (theirs.n, theirs.dimensions, theirs.left_out)
    mine, its = (np.concatenate([batch.values for batch in rows.batches()]) for rows in (ours, theirs))
    assert np.sort(mine, axis=0) == pytest.approx(np.sort(its, axis=0))
    sample = ours.sample(20, seed=3)
    assert sample.values.shape == (20, 2)
    assert sample.clusters is not None
    assert len(sample.clusters) == 20
