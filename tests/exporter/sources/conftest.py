"""What the tests of sources share: windows over files, and what every engine must say of the same rows."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recwatch_exporter.data import Cluster, Facts, SideCounts
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.arrays import read_arrays, to_table
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.files import open_files
from recwatch_exporter.sources.spans import Span
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window

HOSTILE = 'a"; DROP TABLE x; -- ü'


@pytest.fixture
def opened(deadline: Deadline) -> Iterator[Connections]:
    with connections(deadline) as found:
        yield found


@pytest.fixture
def window(opened: Connections, tmp_path: Path) -> Callable[..., Window]:
    """A window over files: `window(path, side="reference")`."""

    def make(*files: Path, side: str = "current", engines: Connections | None = None) -> Window:
        local = (engines or opened).local
        view = View(side, str(files[0]), local, open_files(local, files, tmp_path)) if files else None
        return Window(side, view, local)

    return make


def frame() -> pd.DataFrame:
    """Some rows as every engine can hold them: no NaN, which SQLite has not."""
    rng = np.random.default_rng(7)
    n = 500
    times = [datetime(2003, 5, 1) + timedelta(hours=7 * i, microseconds=i) for i in range(n)]  # noqa: DTZ001 - UTC
    score = rng.normal(3, 2, size=n)
    score[::50] = np.inf
    return pd.DataFrame(
        {
            "user_id": [f"u{i % 23}" for i in range(n)],
            "item": rng.integers(40, size=n),
            "score": pd.Series(score).mask(rng.random(n) < 0.1),
            "rating": rng.integers(1, 11, size=n) / 2,
            "paid": rng.random(n) < 0.3,
            HOSTILE: rng.choice(["ü", "日本", "x'; DROP TABLE events; --"], size=n),
            "timestamp": times,
        }
    )


def ask(window: Window) -> dict[str, Any]:
    users, blocks = Cluster("user_id"), Cluster("timestamp", timedelta(days=3))
    middle = datetime(2003, 6, 1, tzinfo=UTC)
    early = window.narrow(timestamp="timestamp", span=Span(until=middle))
    late = window.narrow(timestamp="timestamp", span=Span(after=middle))
    rows = window.numbers(["score", "item"], users)
    sample = rows.sample(50, seed=3)
    return {
        "rows": window.rows(),
        "newest": window.newest("timestamp"),
        "early": early.rows(),
        "ratings": table(window.count_values("rating", None, numeric=True)),
        "by user": table(window.count_values("rating", users, numeric=True)),
        "by block": table(window.count_values("item", blocks, numeric=True)),
        "texts": table(window.count_values(HOSTILE, None, numeric=False)),
        "truths": table(window.count_values("paid", None, numeric=False)),
        "many": window.count_values("score", None, numeric=True, limit=5),
        "missing": [table(window.count_missing(name, users)) for name in ("score", HOSTILE, "timestamp")],
        "ages": table(window.count_ages("timestamp", end=middle, period=timedelta(days=2))),
        "cells": table(window.count_cells("score", np.linspace(-1, 7, 30), users)),
        "quantiles": window.quantiles("score", np.linspace(0, 1, 11)).tolist(),
        "moments": vars(window.moments("score")),
        "distances": early.distances(late, "score"),
        "frequent": window.most_frequent("item", 5) + window.most_frequent(HOSTILE, 2),
        "segments": [
            window.segment("item", "3").rows(),
            window.segment(HOSTILE, "ü").rows(),
            window.segment("rating", "2.5").rows(),
            window.segment("paid", "true").rows(),
        ],
        "filtered": window.narrow(equal={"paid": True, "user_id": "u1"}).rows(),
        "facts": facts(window.facts(["score", "item", HOSTILE], key=("user_id",))),
        "pairs of keys": facts(window.facts([], key=("user_id", "item"))),
        "numbers": (rows.n, rows.dimensions, rows.left_out),
        "sample": sample.values.tolist(),  # noqa: PD011 - ours
        "clusters": None if sample.clusters is None else sample.clusters.tolist(),
    }


def table(counts: SideCounts | None) -> list[Any]:
    assert counts is not None
    clusters = [""] * len(counts.counts) if counts.clusters is None else counts.clusters.tolist()
    values = list(counts.values)
    return sorted(zip(values, clusters, counts.counts.tolist(), strict=True))


def facts(found: Facts) -> dict[str, Any]:
    return asdict(found)


@pytest.fixture(scope="session")
def events() -> pd.DataFrame:
    return frame()


@pytest.fixture
def same_as_duckdb(
    events: pd.DataFrame, window: Callable[..., Window], tmp_path: Path
) -> Callable[[Window], None]:
    """Every figure of a window over `events` is what DuckDB finds in a Parquet file of them."""
    path = tmp_path / "events.parquet"
    events.to_parquet(path)
    expected = window(path)
    return lambda found: same(ask(found), ask(expected))


@pytest.fixture
def agree() -> Callable[[Window, Window], None]:
    """Two windows over `events`, or some of it, have the same figures."""
    return lambda found, expected: same(ask(found), ask(expected))


def same(found: object, wanted: object) -> None:
    """Equal, numbers to 1e-9."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict)
        assert found.keys() == wanted.keys()
        for key, item in wanted.items():
            same(found[key], item)
    elif isinstance(wanted, list | tuple):
        assert isinstance(found, list | tuple)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-9)
    else:
        assert found == wanted


@pytest.fixture
def over_arrays(opened: Connections) -> Callable[[Path], Window]:
    """A window over a file of arrays."""

    def make(path: Path) -> Window:
        arrays = read_arrays(path)
        table = opened.local.register(to_table(arrays))
        return Window("current", View("current", str(path), opened.local, table, arrays), opened.local)

    return make


@pytest.fixture
def as_another_user() -> list[str]:
    """How to begin a command so that permissions hold for it: root passes every one of them."""
    if os.getuid() != 0:
        return []
    powers = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"]
