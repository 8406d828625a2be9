from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import connections
from recwatch_exporter.sources.window import Window

Write = Callable[..., Path]
Open = Callable[..., Window]


def test_vectors_of_shared_ids(window: Open, write: Write) -> None:
    vectors = pa.array([[1.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32()))
    reference = window(write("a.parquet", item_id=[1, 2, 3], vector=vectors))
    fixed = pa.array([[5.0, 6.0], [7.0, 8.0]], pa.list_(pa.float64(), 2))
    current = window(write("b.parquet", item_id=[2, 4], vector=fixed))

    (pairs,) = reference.pairs(current, "vector", "item_id")

    assert pairs.ids.tolist() == [2]
    np.testing.assert_array_equal(pairs.reference, [[3.0, 4.0]])
    np.testing.assert_array_equal(pairs.current, [[5.0, 6.0]])
    assert (pairs.reference.dtype.name, pairs.current.dtype.name) == ("float32", "float64")
    assert reference.count_vectors("vector", "item_id") == 2


def test_many_vectors_come_in_chunks(window: Open, write: Write) -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 3))
    found = window(write("a.parquet", item_id=np.arange(20_000), vector=list(vectors)))

    chunks = list(found.pairs(found, "vector", "item_id"))

    assert len(chunks) > 1
    assert sum(len(chunk.ids) for chunk in chunks) == 20_000
    for chunk in chunks:
        np.testing.assert_array_equal(chunk.reference, vectors[chunk.ids])


def test_vectors_on_two_engines(window: Open, write: Write, deadline: Deadline) -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    path = write("a.parquet", item_id=[f"item {i}" for i in range(20_000)], vector=list(vectors))

    with connections(deadline) as others:
        chunks = list(window(path).pairs(window(path, engines=others), "vector", "item_id"))

    assert sum(len(chunk.ids) for chunk in chunks) == 20_000
    for chunk in chunks:
        np.testing.assert_array_equal(chunk.reference, chunk.current)


def test_vectors_that_are_none(window: Open, write: Write) -> None:
    path = write("a.parquet", item_id=[1], vector=["text"])

    with pytest.raises(SourceError, match=r"^current: column vector is text, not a list of numbers: "):
        window(path).count_vectors("vector", "item_id")


def test_ids_of_two_kinds(window: Open, write: Write) -> None:
    reference = window(write("a.parquet", item_id=[1], vector=[[1.0]]))
    current = window(write("b.parquet", item_id=["1"], vector=[[1.0]]))

    with pytest.raises(
        SourceError, match=r"^column item_id holds text in one window and numbers in the other"
    ):
        list(reference.pairs(current, "vector", "item_id"))


def test_an_id_that_comes_twice(window: Open, write: Write) -> None:
    path = write("a.parquet", item_id=[1, 1, 2], vector=[[1.0]] * 3)

    with pytest.raises(
        SourceError, match=r"^current: 1 rows repeat the item_id of another: keep one vector each$"
    ):
        window(path).count_vectors("vector", "item_id")


def test_vectors_of_unequal_length(window: Open, write: Write) -> None:
    path = write("a.parquet", item_id=[1, 2], vector=[[1.0], [1.0, 2.0]])

    with pytest.raises(SourceError, match=r"^reference: vectors have 1 to 2 numbers: write equal lengths$"):
        list(window(path).pairs(window(path), "vector", "item_id"))


def test_arrays_are_paired_as_they_lie(tmp_path: Path, over_arrays: Open) -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", vectors)
    np.savez(tmp_path / "b.npz", item_id=np.arange(20_000)[::-1], vector=vectors)
    np.savez(tmp_path / "c.npz", item_id=np.arange(5, 25_005, 2)[:10], vector=vectors[:10])
    same, reverse, some = (over_arrays(tmp_path / name) for name in ("a.npy", "b.npz", "c.npz"))

    for chunk in same.pairs(same, "vector", "row"):
        np.testing.assert_array_equal(chunk.reference, vectors[chunk.ids])
        assert chunk.current.dtype == np.float32
    (picked,) = reverse.pairs(some, "vector", "item_id")
    assert picked.ids.tolist() == list(range(5, 25, 2))
    np.testing.assert_array_equal(picked.reference, vectors[::-1][picked.ids])
    np.testing.assert_array_equal(picked.current, vectors[:10])
    assert same.count_vectors("vector", "row") == 20_000
    assert next(iter(same.pairs(some, "vector", "row"))).ids.tolist() == list(range(10))


def test_arrays_are_paired_with_other_files(
    tmp_path: Path, window: Open, write: Write, over_arrays: Open
) -> None:
    np.save(tmp_path / "a.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    other = window(write("b.parquet", row=[1, 7], vector=[[5.0, 6.0], [7.0, 8.0]]))

    (pairs,) = over_arrays(tmp_path / "a.npy").pairs(other, "vector", "row")

    assert (pairs.ids.tolist(), pairs.reference.tolist(), pairs.current.tolist()) == (
        [1],
        [[3.0, 4.0]],
        [[5.0, 6.0]],
    )


def test_arrays_are_windows_like_others(tmp_path: Path, over_arrays: Open) -> None:
    np.savez(
        tmp_path / "a.npz", vector=np.array([[1.0, 2.0], [np.nan, 4.0], [5.0, 6.0]]), user=np.array([1, 1, 2])
    )
    found = over_arrays(tmp_path / "a.npz")

    rows = found.numbers(["vector"], None)

    assert (rows.n, rows.dimensions, rows.left_out) == (2, 2, 1)
    assert sorted(rows.sample(5, seed=0).values.tolist()) == [[1.0, 2.0], [5.0, 6.0]]
    assert found.narrow(equal={"user": 2}).numbers(["vector"], None).n == 1
    assert found.moments("user").n == 3
    with pytest.raises(SourceError, match=r"^current: 1 rows repeat the user of another"):
        found.count_vectors("vector", "user")
    with pytest.raises(SourceError, match=r"^current: column user is integer, not a list of numbers"):
        found.count_vectors("user", "user")
