from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.data import Cluster
from recwatch_exporter.errors import SourceError
from recwatch_exporter.sources.window import Window

Write = Callable[..., Path]
Open = Callable[..., Window]


def test_rows_without_missing_and_non_finite_numbers(window: Open, write: Write) -> None:
    path = write(
        "a.parquet", x=[1.0, None, float("nan"), 4.0, 5.0], n=[1, 2, 3, 4, None], u=["a", "a", "b", None, "b"]
    )

    rows = window(path).numbers(["x", "n"], None)
    (batch,) = rows.batches()
    clustered = window(path).numbers(["x", "n"], Cluster("u"))
    (with_clusters,) = clustered.batches()

    assert (rows.n, rows.dimensions, rows.left_out) == (2, 2, 3)
    assert batch.values.tolist() == [[1.0, 1.0], [4.0, 4.0]]
    assert batch.values.dtype == np.float64
    assert batch.clusters is None
    assert (clustered.n, clustered.left_out) == (1, 4)
    assert with_clusters.clusters is not None
    assert with_clusters.clusters.tolist() == ["a"]


def test_the_numbers_of_a_vector_are_the_columns(window: Open, write: Write) -> None:
    vectors = pa.array(
        [[1.0, 2.0], None, [float("inf"), 0.0], [None, 1.0], [3.0, 4.0]], pa.list_(pa.float32())
    )
    path = write("a.parquet", v=vectors, u=[1, 1, 1, 1, 2])

    rows = window(path).numbers(["v"], Cluster("u"))
    (batch,) = rows.batches()

    assert (rows.n, rows.dimensions, rows.left_out) == (2, 2, 3)
    assert batch.values.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert batch.clusters is not None
    assert batch.clusters.tolist() == [1, 2]


def test_a_sample_is_of_the_rows_and_the_same_in_any_order(window: Open, write: Write) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5_000, 3))
    order = rng.permutation(len(values))
    first = write("a.parquet", x=values[:, 0], y=values[:, 1], z=values[:, 2])
    second = write("b.parquet", x=values[order, 0], y=values[order, 1], z=values[order, 2])

    samples = [window(path).numbers(["x", "y", "z"], None).sample(100, seed=1) for path in (first, second)]

    np.testing.assert_array_equal(samples[0].values, samples[1].values)
    assert {tuple(row) for row in samples[0].values.tolist()} <= {tuple(row) for row in values.tolist()}


def test_vectors_of_unequal_length_and_texts(window: Open, write: Write) -> None:
    path = write("a.parquet", v=[[1.0], [1.0, 2.0]], s=["a", "b"])

    with pytest.raises(SourceError, match=r"^current: vectors have 1 to 2 numbers: write equal lengths$"):
        window(path).numbers(["v"], None)
    with pytest.raises(SourceError, match=r"^current: column s is text, not a number: "):
        window(path).numbers(["s"], None)
    with pytest.raises(SourceError, match=r"^current: column v is vector, not a number: "):
        window(path).numbers(["v", "s"], None)
