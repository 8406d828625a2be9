from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.columns import View
from recwatch_exporter.sources.duck import Source, open_source
from recwatch_exporter.sources.spans import Span

START = datetime(2003, 5, 1, tzinfo=UTC)
HOSTILE = 'a"; DROP TABLE x; -- ü'


@pytest.fixture
def source(deadline: Deadline) -> Iterator[Source]:
    with open_source(deadline) as opened:
        yield opened


def view(*files: Path, **keys: Any) -> View:
    return View("current", files, **keys)


def test_counts_by_value_and_cluster(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", rating=[1.0, 1.0, 2.0, 2.0], user_id=[7, 7, 7, 8])

    counts = source.count_values(view(path), "rating", "user_id", numeric=True)

    assert counts.clusters is not None
    found = sorted(zip(counts.values.tolist(), counts.clusters.tolist(), counts.counts.tolist(), strict=True))
    assert found == [(1.0, 7, 2), (2.0, 7, 1), (2.0, 8, 1)]
    assert counts.total == 4


def test_rows_without_a_value_or_a_cluster_are_left_out(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", rating=[1.0, None, float("nan"), 3.0], user_id=[1, 1, 1, None])

    assert source.count_values(view(path), "rating", "user_id", numeric=True).total == 1


def test_several_files_of_different_columns(source: Source, write: Callable[..., Path]) -> None:
    first = write("a.parquet", rating=[1.0])
    second = write("b.parquet", extra=["x"], rating=[2.0])

    assert source.count_values(view(first, second), "rating", None, numeric=True).total == 2


def test_no_files_are_no_rows(source: Source) -> None:
    assert source.count_values(view(), "rating", "user_id", numeric=True).total == 0
    assert source.newest(view(), "timestamp") is None
    assert source.count_vectors(view(), "vector", "item_id") == 0
    assert list(source.pairs(view(), view(), "vector", "item_id")) == []


def test_filters_are_values_not_sql(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", rating=[1.0, 2.0], event=["click", "x' OR '1'='1"])

    for value, total in (("click", 1), ("x' OR '1'='1", 1), ("nothing", 0)):
        counts = source.count_values(view(path, filter={"event": value}), "rating", None, numeric=True)
        assert counts.total == total


def test_hostile_names_of_columns_and_files(source: Source, write: Callable[..., Path]) -> None:
    path = write("it's [1] *.parquet", **{HOSTILE: [1.0, 2.0]})
    write("it's 1 other.parquet", **{HOSTILE: [9.0] * 9})

    assert source.count_values(view(path), HOSTILE, HOSTILE, numeric=True).total == 2


@pytest.mark.parametrize(
    "kind",
    [pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("ms"), pa.timestamp("us", "Europe/Berlin")],
    ids=str,
)
def test_windows_of_any_time_type(source: Source, write: Callable[..., Path], kind: pa.DataType) -> None:
    times = [START + timedelta(days=day) for day in range(5)]
    if kind.tz is None:
        times = [time.replace(tzinfo=None) for time in times]
    path = write("a.parquet", rating=[0.0, 1, 2, 3, 4], timestamp=pa.array(times, kind))
    span = Span(after=START + timedelta(days=1), until=START + timedelta(days=3))

    counts = source.count_values(view(path, timestamp="timestamp", span=span), "rating", None, numeric=True)

    assert sorted(counts.values.tolist()) == [2.0, 3.0]
    assert source.newest(view(path, timestamp="timestamp", span=span), "timestamp") == START + timedelta(
        days=4
    )


def test_texts_are_counted_as_texts(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", country=["ü", "日本", "ü", None])

    counts = source.count_values(view(path), "country", None, numeric=False)

    assert dict(zip(counts.values.tolist(), counts.counts.tolist(), strict=True)) == {"ü": 2, "日本": 1}


def test_vectors_of_shared_ids(source: Source, write: Callable[..., Path]) -> None:
    vectors = pa.array([[1.0, 2.0], [3.0, 4.0], None], pa.list_(pa.float32()))
    reference = write("a.parquet", item_id=[1, 2, 3], vector=vectors)
    fixed = pa.array([[5.0, 6.0], [7.0, 8.0]], pa.list_(pa.float32(), 2))
    current = write("b.parquet", item_id=[2, 4], vector=fixed)

    (pairs,) = source.pairs(view(reference), view(current), "vector", "item_id")

    assert pairs.ids.tolist() == [2]
    np.testing.assert_array_equal(pairs.reference, [[3.0, 4.0]])
    np.testing.assert_array_equal(pairs.current, [[5.0, 6.0]])
    assert source.count_vectors(view(reference), "vector", "item_id") == 2


def test_many_vectors_come_in_chunks(source: Source, write: Callable[..., Path]) -> None:
    vectors = np.random.default_rng(0).normal(size=(20_000, 3))
    path = write("a.parquet", item_id=np.arange(20_000), vector=list(vectors))

    chunks = list(source.pairs(view(path), view(path), "vector", "item_id"))

    assert len(chunks) > 1
    assert sum(len(chunk.ids) for chunk in chunks) == 20_000
    for chunk in chunks:
        np.testing.assert_array_equal(chunk.reference, vectors[chunk.ids])


@pytest.mark.parametrize(
    ("columns", "column", "message"),
    [
        ({"score": [1.0]}, "rating", r"^current: no column rating in .*a\.parquet: it has score$"),
        (
            {"rating": ["good"]},
            "rating",
            r"^current: column rating is VARCHAR, not a number: psi takes any type$",
        ),
    ],
)
def test_wrong_columns(
    source: Source, write: Callable[..., Path], columns: dict[str, Any], column: str, message: str
) -> None:
    path = write("a.parquet", **columns)

    with pytest.raises(SourceError, match=message):
        source.count_values(view(path), column, None, numeric=True)


def test_a_time_that_is_none(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", timestamp=[1.0])

    with pytest.raises(
        SourceError, match=r"^current: column timestamp is DOUBLE, not a time: write it as timestamps$"
    ):
        source.newest(view(path), "timestamp")


def test_vectors_that_are_none(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", item_id=[1], vector=["text"])

    with pytest.raises(SourceError, match=r"^current: column vector is VARCHAR, not a list of numbers"):
        source.count_vectors(view(path), "vector", "item_id")


def test_an_id_that_comes_twice(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", item_id=[1, 1, 2], vector=[[1.0]] * 3)

    with pytest.raises(
        SourceError, match=r"^current: 1 rows repeat the item_id of another: keep one vector each$"
    ):
        source.count_vectors(view(path), "vector", "item_id")


def test_vectors_of_unequal_length(source: Source, write: Callable[..., Path]) -> None:
    path = write("a.parquet", item_id=[1, 2], vector=[[1.0], [1.0, 2.0]])

    with pytest.raises(SourceError, match=r"^reference: vectors have 1 to 2 numbers: write equal lengths$"):
        list(source.pairs(view(path), view(path), "vector", "item_id"))


@pytest.mark.parametrize(
    "content", [b"", b"not parquet at all, but long enough to look like it", b"PAR1" + bytes(40)]
)
def test_a_broken_file(deadline: Deadline, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)

    with pytest.raises(SourceError, match=r"^cannot be read: .*a\.parquet"), open_source(deadline) as source:
        source.count_values(view(path), "rating", None, numeric=True)


def test_a_truncated_file(deadline: Deadline, write: Callable[..., Path]) -> None:
    path = write("a.parquet", rating=np.random.default_rng(0).normal(size=10_000))
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(SourceError, match=r"^cannot be read: "), open_source(deadline) as source:
        source.count_values(view(path), "rating", None, numeric=True)


def test_a_query_that_takes_too_long_is_interrupted(write: Callable[..., Path]) -> None:
    # Every row of one side matches every row of the other: years of work.
    path = write("a.parquet", item_id=np.zeros(200_000, dtype=int), vector=[[1.0]] * 200_000)

    with (
        pytest.raises(CheckTimeoutError, match=r"^took longer than its timeout of 200ms"),
        open_source(Deadline(timedelta(milliseconds=200))) as source,
    ):
        for _ in source.pairs(view(path), view(path), "vector", "item_id"):
            pass
