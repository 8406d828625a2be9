import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from recwatch_exporter.data import Cluster, ColumnFacts, Facts, Moments, SideCounts, Slots
from recwatch_exporter.errors import CheckTimeoutError, SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import connections
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.spans import Span
from recwatch_exporter.sources.window import Window

Write = Callable[..., Path]
Open = Callable[..., Window]
START = datetime(2003, 5, 1, tzinfo=UTC)
HOSTILE = 'a"; DROP TABLE x; -- ü'
USERS = Cluster("user_id")
NAN, INF = float("nan"), float("inf")


def counted(counts: SideCounts | None) -> dict[Any, int]:
    assert counts is not None
    keys: Any = counts.values.tolist()
    if counts.clusters is not None:
        keys = zip(keys, counts.clusters.tolist(), strict=True)
    return dict(zip(keys, counts.counts.tolist(), strict=True))


def test_the_kinds_of_columns(window: Open, write: Write) -> None:
    path = write(
        "a.parquet",
        n=[1],
        x=[1.0],
        d=pa.array([1], pa.decimal128(5, 2)),
        s=["a"],
        b=[True],
        t=pa.array([START]),
        day=pa.array([START.date()]),
        v=[[1.0]],
        o=pa.array([{"a": 1}]),
    )

    assert window(path).columns == {
        "n": Kind.INTEGER,
        "x": Kind.FLOATING,
        "d": Kind.FLOATING,
        "s": Kind.TEXT,
        "b": Kind.BOOLEAN,
        "t": Kind.TIME,
        "day": Kind.TIME,
        "v": Kind.VECTOR,
        "o": Kind.OTHER,
    }


def test_counts_by_value_and_cluster(window: Open, write: Write) -> None:
    path = write("a.parquet", rating=[1.0, 1.0, 2.0, 2.0], user_id=[7, 7, 7, 8])

    counts = window(path).count_values("rating", USERS, numeric=True)

    assert counted(counts) == {(1.0, 7): 2, (2.0, 7): 1, (2.0, 8): 1}
    assert window(path).rows() == 4


def test_rows_without_a_value_or_a_cluster_are_left_out(window: Open, write: Write) -> None:
    rating = [1.0, None, NAN, INF, -INF, 3.0]
    path = write("a.parquet", rating=rating, user_id=[1, 1, 1, 1, 1, None])

    assert counted(window(path).count_values("rating", USERS, numeric=True)) == {(1.0, 1): 1}
    assert counted(window(path).count_values("rating", None, numeric=False)) == {1.0: 1, 3.0: 1}
    assert counted(window(path).count_cells("rating", np.array([2.0]), USERS)) == {(0, 1): 1}


def test_counts_give_up_beyond_a_limit(window: Open, write: Write) -> None:
    path = write("a.parquet", x=[1.0, 2.0, 2.0, 3.0], user_id=[1, 2, 1, 2])

    for cluster in (None, USERS):
        assert window(path).count_values("x", cluster, numeric=True, limit=2) is None
        counts = window(path).count_values("x", cluster, numeric=True, limit=3)
        assert counts is not None
        assert counts.total == 4


def test_a_limit_holds_beyond_the_first_rows(window: Open, write: Write) -> None:
    path = write("a.parquet", x=np.r_[np.zeros(50_000), np.arange(10)], user_id=np.zeros(50_010))

    assert window(path).count_values("x", None, numeric=True, limit=9) is None
    assert window(path).count_values("x", USERS, numeric=True, limit=9) is None
    assert len(counted(window(path).count_values("x", None, numeric=True, limit=10))) == 10


def test_clusters_of_time_are_blocks(window: Open, write: Write, days: Callable[..., pa.Array]) -> None:
    times = days([0.0, 0.999999, 1.0, 1.5, -0.000001])
    path = write("a.parquet", x=[1, 1, 1, 1, 1], timestamp=times)
    first = int(START.timestamp()) // 86400

    counts = window(path).count_values("x", Cluster("timestamp", timedelta(days=1)), numeric=True)
    halves = window(path).count_values("x", Cluster("timestamp", timedelta(hours=12)), numeric=True)

    assert counted(counts) == {(1, first): 2, (1, first + 1): 2, (1, first - 1): 1}
    assert len(counted(halves)) == 5


@pytest.mark.parametrize("size", [1, 2, 37, 64, 65, 1000])
def test_cells_are_those_of_searchsorted(window: Open, write: Write, size: int) -> None:
    rng = np.random.default_rng(size)
    edges = np.sort(rng.normal(size=size))
    edges[size // 2] = edges[size // 3]  # twice the same
    edges = np.r_[-INF, np.sort(edges), INF]
    inner = edges[1:-1]
    x = np.r_[rng.normal(size=1000), inner, np.nextafter(inner, -9), NAN]
    path = write("a.parquet", x=x, half=x.astype(np.float32), user_id=np.arange(len(x)) % 7)

    for column, values in (("x", x), ("half", x.astype(np.float32).astype(float))):
        finite = values[np.isfinite(values)]
        expected = np.unique(np.searchsorted(edges, finite, side="right"), return_counts=True)
        cells = window(path).count_cells(column, edges, None)
        by_user = window(path).count_cells(column, edges, USERS)

        assert counted(cells) == dict(zip(*(part.tolist() for part in expected), strict=True))
        assert by_user.total == len(finite)
        assert len(counted(by_user)) > size


def test_cells_of_no_edges_and_of_infinite_ones(window: Open, write: Write) -> None:
    path = write("a.parquet", x=[1.0, 2.0], n=[1, 2])

    assert counted(window(path).count_cells("n", np.array([2.0]), None)) == {0: 1, 1: 1}
    assert counted(window(path).count_cells("x", np.empty(0), None)) == {0: 2}
    assert counted(window(path).count_cells("x", np.array([-INF, 1.5, INF]), None)) == {1: 1, 2: 1}


@pytest.mark.parametrize("n", [1, 2, 10, 1001])
def test_quantiles_are_observed_values(window: Open, write: Write, n: int) -> None:
    x = np.random.default_rng(n).normal(size=n).round(1)
    path = write("a.parquet", x=np.r_[x, NAN, INF])
    probabilities = np.array([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0])

    found = window(path).quantiles("x", probabilities)

    np.testing.assert_array_equal(found, np.quantile(x, probabilities, method="inverted_cdf"))


def test_moments(window: Open, write: Write) -> None:
    x = np.random.default_rng(0).normal(1e6, 1, size=10_000)
    path = write("a.parquet", x=np.r_[x, NAN, INF])

    found = window(path).moments("x")

    assert found.n == len(x)
    assert found.mean == pytest.approx(x.mean(), rel=1e-13)
    assert found.std == pytest.approx(x.std(), rel=1e-12)


def test_moments_of_numbers_far_from_0(window: Open, write: Write) -> None:
    x = np.random.default_rng(0).normal(1e9, 0.01, size=50_000)
    path = write("a.parquet", x=x)

    found = window(path).moments("x")

    assert found.mean == 1e9 + math.fsum(x - 1e9) / len(x)
    away = x - found.mean
    std = math.sqrt(math.fsum(away**2) / len(x) - (math.fsum(away) / len(x)) ** 2)
    assert found.std == pytest.approx(std, rel=1e-12)
    assert {window(path).moments("x") for _ in range(5)} == {found}


@pytest.mark.parametrize("size", [1e-300, 1e300, 1.7e308])
def test_moments_of_huge_and_tiny_numbers(window: Open, write: Write, size: float) -> None:
    path = write("a.parquet", x=[-size, size, size, size])

    found = window(path).moments("x")

    assert found.mean == pytest.approx(size / 2, rel=1e-15)
    assert found.std == pytest.approx(size * math.sqrt(0.75), rel=1e-15)


def test_no_values_have_no_moments_quantiles_and_distances(window: Open, write: Write) -> None:
    path = write("a.parquet", x=pa.array([None, NAN], pa.float64()), y=[1.0, 2.0])

    moments = window(path).moments("x")

    assert moments.n == 0
    assert np.isnan([moments.mean, moments.std]).all()
    assert np.isnan(window(path).quantiles("x", np.array([0.5]))).all()
    assert np.isnan(window(path).distances(window(path), "x")).all()
    assert counted(window(path).count_values("x", None, numeric=True)) == {}


def test_distances_are_those_of_scipy(window: Open, write: Write) -> None:
    rng = np.random.default_rng(0)
    for first, second in (
        (rng.normal(size=1000), rng.normal(0.3, 2, size=700)),
        (rng.integers(5, size=900) / 2, rng.integers(6, size=500) / 2),
        (np.array([1.0]), np.array([3.0])),
        (np.array([2.0]), np.array([2.0])),
    ):
        reference, current = write("r.parquet", x=first), write("c.parquet", x=np.r_[second, NAN, INF])

        ks, wasserstein = window(reference).distances(window(current), "x")

        assert ks == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)
        assert wasserstein == pytest.approx(stats.wasserstein_distance(first, second), rel=1e-12)


def test_distances_of_windows_on_two_engines(window: Open, write: Write, deadline: Deadline) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=30_000).round(3), rng.normal(0.3, 2, size=21_000)
    reference, current = write("r.parquet", x=first), write("c.parquet", x=second)

    with connections(deadline) as others:
        found = window(reference).distances(window(current, engines=others), "x")

    np.testing.assert_allclose(found, window(reference).distances(window(current), "x"), rtol=1e-12)


def test_the_most_frequent_values_are_segments(window: Open, write: Write) -> None:
    path = write(
        "a.parquet",
        country=["b", "b", "a", "a", "ü'", None],
        number=[1, 1, 1, 2, 2, 3],
        price=[0.1, 0.1, 2.0, NAN, INF, None],
        paid=[True, True, True, False, False, None],
    )

    assert window(path).most_frequent("country", 2) == ("a", "b")
    assert window(path).most_frequent("number", 9) == ("1", "2", "3")
    assert window(path).most_frequent("price", 9) == ("0.1", "2.0")
    assert window(path).most_frequent("paid", 9) == ("true", "false")
    for column, value, rows in (
        ("country", "ü'", 1),
        ("number", "2", 2),
        ("price", "0.1", 2),
        ("paid", "false", 2),
        ("number", "none", 0),
    ):
        assert window(path).segment(column, value).rows() == rows


def test_facts(window: Open, write: Write) -> None:
    path = write(
        "a.parquet", x=[1.5, NAN, INF, None, -2.0], s=["a", "a", "b", None, "b"], n=[1, 1, 1, 2, None]
    )

    assert window(path).facts(["x", "s", "n"], key=("s", "n")) == Facts(
        rows=5,
        columns={
            "x": ColumnFacts(missing=1, non_finite=2, minimum=-2.0, maximum=1.5),
            "s": ColumnFacts(missing=1, non_finite=0),
            "n": ColumnFacts(missing=1, non_finite=0, minimum=1.0, maximum=2.0),
        },
        keyed=3,
        distinct=2,
    )
    assert window(path).facts([], key=("n",)) == Facts(rows=5, keyed=4, distinct=2)
    assert window(path).facts([]) == Facts(rows=5)


def test_facts_of_a_window_without_rows(window: Open, write: Write) -> None:
    path = write("a.parquet", x=pa.array([], pa.float64()))

    assert window(path).facts(["x"], key=("x",)) == Facts(rows=0, columns={"x": ColumnFacts(0, 0)})


def test_no_files_are_no_rows(window: Open) -> None:
    empty = window()

    assert empty.rows() == 0
    assert empty.columns == {}
    assert empty.newest("timestamp") is None
    assert counted(empty.count_values("rating", USERS, numeric=True, limit=3)) == {}
    assert counted(empty.count_cells("rating", np.array([1.0]), None)) == {}
    assert empty.count_vectors("vector", "item_id") == 0
    assert list(empty.pairs(empty, "vector", "item_id")) == []
    assert empty.most_frequent("country", 3) == ()
    assert empty.segment("country", "a").rows() == 0
    assert empty.moments("x").n == 0
    assert empty.facts(["x"]) == Facts(rows=0)
    assert np.isnan(empty.quantiles("x", np.array([0.5]))).all()
    assert np.isnan(empty.distances(empty, "x")).all()
    assert empty.numbers(["x"], None).n == 0
    assert list(empty.numbers(["x"], None).batches()) == []


def test_filters_are_values_not_sql(window: Open, write: Write) -> None:
    path = write("a.parquet", rating=[1.0, 2.0], event=["click", "x' OR '1'='1"])

    for value, total in (("click", 1), ("x' OR '1'='1", 1), ("nothing", 0)):
        assert window(path).narrow(equal={"event": value}).rows() == total


def test_filters_of_every_type(window: Open, write: Write) -> None:
    path = write("a.parquet", n=[1, 2], x=[0.5, 1.5], b=[True, False], day=pa.array([START.date()] * 2))

    for filters, total in (
        ({"n": 1}, 1),
        ({"x": 0.5}, 1),
        ({"n": 1, "b": False}, 0),
        ({"b": True}, 1),
        ({"day": "2003-05-01"}, 2),
    ):
        assert window(path).narrow(equal=filters).rows() == total
    with pytest.raises(SourceError, match=r"^current: column n is integer: it is never 'a', correct filter$"):
        window(path).narrow(equal={"n": "a"})


def test_hostile_names_of_columns_and_files(window: Open, write: Write) -> None:
    path = write("it's [1] *.parquet", **{HOSTILE: [1.0, 2.0]})
    write("it's 1 other.parquet", **{HOSTILE: [9.0] * 9})
    found = window(path)

    assert counted(found.count_values(HOSTILE, Cluster(HOSTILE), numeric=True)) == {
        (1.0, 1.0): 1,
        (2.0, 2.0): 1,
    }
    assert found.moments(HOSTILE) == Moments(2, 1.5, 0.5)
    assert found.facts([HOSTILE], key=(HOSTILE,)).columns == {HOSTILE: ColumnFacts(0, 0, 1.0, 2.0)}
    assert found.quantiles(HOSTILE, np.array([1.0])).tolist() == [2.0]
    assert found.numbers([HOSTILE], None).n == 2
    assert found.distances(found, HOSTILE) == (0.0, 0.0)
    assert found.segment(HOSTILE, "1.0").rows() == 1


@pytest.mark.parametrize(
    "kind",
    [
        pa.timestamp("us", "UTC"),
        pa.timestamp("ns"),
        pa.timestamp("ms"),
        pa.timestamp("s"),
        pa.timestamp("us", "Europe/Berlin"),
        pa.date32(),
    ],
    ids=str,
)
def test_windows_of_any_time_type(window: Open, write: Write, kind: pa.DataType) -> None:
    times = [START + timedelta(days=day) for day in range(5)]
    if kind == pa.date32() or kind.tz is None:
        times = [time.replace(tzinfo=None) for time in times]
    path = write("a.parquet", rating=[0.0, 1, 2, 3, 4], timestamp=pa.array(times, kind))
    span = Span(after=START + timedelta(days=1), until=START + timedelta(days=3))

    narrow = window(path).narrow(timestamp="timestamp", span=span)

    assert counted(narrow.count_values("rating", None, numeric=True)) == {2.0: 1, 3.0: 1}
    assert narrow.newest("timestamp") == START + timedelta(days=4)
    blocks = narrow.count_values("rating", Cluster("timestamp", timedelta(days=7)), numeric=True)
    assert blocks is not None
    assert blocks.clusters is not None
    assert set(blocks.clusters.tolist()) == {int(START.timestamp()) // (7 * 86400)}


def test_texts_are_counted_as_texts(window: Open, write: Write) -> None:
    path = write("a.parquet", country=["ü", "日本", "ü", None], paid=[True, False, None, True])

    assert counted(window(path).count_values("country", None, numeric=False)) == {"ü": 2, "日本": 1}
    assert counted(window(path).count_values("paid", None, numeric=False)) == {"true": 2, "false": 1}


def test_huge_categories(window: Open, write: Write) -> None:
    path = write("a.parquet", s=[f"value {i}" for i in range(50_000)], long=["x" * 1_000] * 50_000)

    assert len(counted(window(path).count_values("s", None, numeric=False))) == 50_000
    assert counted(window(path).count_values("long", None, numeric=False)) == {"x" * 1_000: 50_000}
    assert window(path).count_values("s", None, numeric=False, limit=1_000) is None


def test_large_whole_numbers_and_decimals(window: Open, write: Write) -> None:
    path = write(
        "a.parquet", u=pa.array([2**64 - 1], pa.uint64()), d=pa.array(["1.25"]).cast(pa.decimal128(9, 3))
    )

    assert counted(window(path).count_values("u", None, numeric=True)) == {2.0**64: 1}
    assert counted(window(path).count_values("u", None, numeric=False)) == {2**64 - 1: 1}
    assert counted(window(path).count_values("d", None, numeric=True)) == {1.25: 1}


@pytest.mark.parametrize(
    ("columns", "column", "message"),
    [
        ({"score": [1.0]}, "rating", r"^current: no column rating in .*a\.parquet: it has score$"),
        ({"rating": ["good"]}, "rating", r"^current: column rating is text, not a number: "),
        ({"rating": [[1.0]]}, "rating", r"^current: column rating is vector, not a number: "),
    ],
)
def test_wrong_columns(
    window: Open, write: Write, columns: dict[str, Any], column: str, message: str
) -> None:
    found = window(write("a.parquet", **columns))

    for ask in (
        lambda: found.count_values(column, None, numeric=True),
        lambda: found.count_cells(column, np.array([1.0]), None),
        lambda: found.moments(column),
        lambda: found.quantiles(column, np.array([1.0])),
        lambda: found.distances(found, column),
    ):
        with pytest.raises(SourceError, match=message):
            ask()


def test_a_missing_column_is_named_by_every_method(window: Open, write: Write) -> None:
    found = window(write("a.parquet", x=[1.0], v=[[1.0]]))

    for ask in (
        lambda: found.count_values("y", None, numeric=False),
        lambda: found.count_values("x", Cluster("y"), numeric=False),
        lambda: found.facts(["y"]),
        lambda: found.facts([], key=("x", "y")),
        lambda: found.most_frequent("y", 1),
        lambda: found.segment("y", "1"),
        lambda: found.newest("y"),
        lambda: found.count_vectors("v", "y"),
        lambda: list(found.pairs(found, "v", "y")),
        lambda: found.narrow(equal={"y": 1}),
        lambda: found.narrow(timestamp="y"),
    ):
        with pytest.raises(SourceError, match=r"^current: no column y in .*a\.parquet: it has x, v$"):
            ask()


def test_a_time_that_is_none(window: Open, write: Write) -> None:
    path = write("a.parquet", timestamp=[1.0])

    with pytest.raises(
        SourceError,
        match=r"^current: column timestamp is floating, not a time: write it as timestamps; where it counts "
        r"seconds since 1970, give query: SELECT \*, to_timestamp\(timestamp\) AS time FROM \.\.\. and",
    ):
        window(path).newest("timestamp")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1\n" * 3000 + "n/a\n2.5\n", r"1 of 3002 values are none, such as 'n/a': leave them empty, or give"),
        ('"1"\n"2"\nx\n', r"1 of 3 values are none, such as 'x': "),
    ],
)
def test_a_word_among_the_numbers_of_a_csv_file(
    window: Open, tmp_path: Path, rows: str, message: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"rating,user\n{rows.replace(chr(10), ',u' + chr(10))}", encoding="utf-8")

    with pytest.raises(SourceError, match=rf"^current: column rating is text, not a number: {message}"):
        window(path).moments("rating")


@pytest.mark.parametrize(
    "name", ["header.csv", "missing.csv", "null.parquet", "text.parquet", "time.parquet"]
)
def test_a_column_without_a_value_is_one_of_numbers(window: Open, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    none: Any = {"text": pa.string(), "null": pa.null(), "time": pa.timestamp("us")}.get(path.stem)
    if path.suffix == ".csv":
        path.write_text("rating,user\n" + (",u\n" * 3 if path.stem == "missing" else ""), encoding="utf-8")
    else:
        pq.write_table(pa.table({"rating": pa.nulls(3, none), "user": ["u"] * 3}), path)
    opened = window(path)

    assert opened.moments("rating").n == 0
    assert np.isnan(opened.quantiles("rating", np.array([0.5]))).all()
    counts = opened.count_values("rating", Cluster("user"), numeric=True)
    assert counts is not None
    assert (len(counts.values), counts.values.dtype.kind) == (0, "f")
    assert len(opened.count_cells("rating", np.array([1.0]), None).values) == 0
    assert opened.numbers(["rating"], None).n == 0
    assert opened.count_missing("rating", None).counts.sum() == (0 if path.stem == "header" else 3)


def test_numbers_written_as_texts(window: Open, write: Write) -> None:
    with pytest.raises(SourceError, match=r"not a number: its numbers are written as texts: write them as"):
        window(write("a.parquet", rating=["1", "2.5", None])).count_values("rating", None, numeric=True)


@pytest.mark.parametrize(
    "content", [b"", b"not parquet at all, but long enough to look like it", b"PAR1" + bytes(40)]
)
def test_a_broken_file(window: Open, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)

    with pytest.raises(SourceError, match=r"^cannot be read: .*a\.parquet"):
        window(path)


def test_a_truncated_file(window: Open, write: Write) -> None:
    path = write("a.parquet", rating=np.random.default_rng(0).normal(size=10_000))
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(SourceError, match=r"^cannot be read: "):
        window(path)


def test_a_file_that_is_broken_in_its_middle(window: Open, write: Write) -> None:
    path = write("a.parquet", rating=np.random.default_rng(0).normal(size=100_000))
    content = bytearray(path.read_bytes())
    content[4:20_000] = bytes(19_996)
    path.write_bytes(bytes(content))

    found = window(path)  # its footer is whole

    with pytest.raises(SourceError, match=r"^current: cannot be read: "):
        found.moments("rating")


def test_files_of_different_columns(window: Open, write: Write) -> None:
    first = write("a.parquet", rating=[1.0])
    second = write("b.parquet", extra=["x"], rating=[2.0])

    assert window(first, second).rows() == 2
    assert window(first, second).facts(["extra"]).columns["extra"].missing == 1


def exhaust(window: Window) -> None:
    for _ in window.pairs(window, "vector", "item_id"):
        pass


@pytest.fixture
def endless(write: Write) -> Path:
    """Every row of one side matches every row of the other: years of work."""
    return write("a.parquet", item_id=np.zeros(200_000, dtype=int), vector=[[1.0]] * 200_000)


def test_a_query_that_takes_too_long_is_interrupted(window: Open, endless: Path) -> None:
    with (
        pytest.raises(CheckTimeoutError, match=r"^took longer than its timeout of 200ms"),
        connections(Deadline(timedelta(milliseconds=200))) as engines,
    ):
        exhaust(window(endless, engines=engines))


def test_values_that_are_missing_by_cluster(window: Open, write: Write) -> None:
    path = write(
        "a.parquet",
        x=pa.array([1.0, None, NAN, INF, -INF, 2.0]),
        s=["a", None, "", "b", "c", None],
        user_id=[1, 1, 2, 2, None, 3],
    )

    found = window(path)

    assert counted(found.count_missing("x", None)) == {0: 2, 1: 1, 2: 3}
    assert counted(found.count_missing("x", USERS)) == {(0, 1): 1, (1, 1): 1, (2, 2): 2, (0, 3): 1}
    assert counted(found.count_missing("s", None)) == {0: 4, 1: 2}
    assert counted(window().count_missing("x", USERS)) == {}


def test_a_clusters_rows_are_told_apart_by_slots_of_time(window: Open, write: Write) -> None:
    hour = timedelta(hours=1)
    moments = [START, START - hour / 2, START - hour, START - hour * 2, START - hour * 9, None]
    path = write("a.parquet", x=[1.0] * 6, user_id=[1, 1, 1, 2, 2, 2], t=pa.array(moments))
    found = window(path).cut(Slots("t", START, hour, 2))

    for counts in (
        found.count_values("x", USERS, numeric=True),
        found.count_cells("x", np.array([0.5]), USERS),
        found.count_missing("x", USERS),
    ):
        assert counts is not None
        assert counts.slots is not None
        assert counts.slots.number == 2
        assert counts.clusters is not None
        cells = zip(counts.clusters.tolist(), counts.slots.slot.tolist(), strict=True)
        assert dict(zip(cells, counts.counts.tolist(), strict=True)) == {(1, 0): 2, (1, 1): 1, (2, 2): 3}
    sample = found.numbers(("x",), USERS).sample(10, seed=0)
    assert sample.slots is not None
    assert sorted(sample.slots.slot.tolist()) == [0, 0, 1, 2, 2, 2]
    assert found.oldest("t") == START - hour * 9
    blocks = found.count_values("x", Cluster("t", hour), numeric=True)
    assert blocks is not None
    assert blocks.slots is None


@pytest.mark.parametrize("values", [[1.0, 2.0, NAN], [1.0, NAN], [NAN], [1.0, 2.0, NAN, None]])
def test_nan_is_seen_where_the_statistics_of_a_file_hide_it(
    window: Open, write: Write, values: list[float | None]
) -> None:
    """DuckDB 2.0 takes `NOT isnan(x)` for true where the statistics of a Parquet file are finite."""
    found = window(write("a.parquet", x=pa.array(values, pa.float64()), n=np.arange(len(values))))
    finite = [value for value in values if value is not None and np.isfinite(value)]

    assert found.moments("x").n == len(finite)
    assert found.numbers(("x", "n"), None).n == len(finite)
    assert found.facts(("x",)).columns["x"].non_finite == 1
    assert counted(found.count_missing("x", None)).get(2) == 1


@pytest.mark.parametrize("zone", ["UTC", None])
def test_rows_by_age(window: Open, write: Write, zone: str | None) -> None:
    seconds = [0, 1e-6, 86_399.999999, 86_400, 86_400.000001, 3 * 86_400, -1e-6, -5]
    times = [START - timedelta(microseconds=round(1e6 * second)) for second in seconds]
    stored = pa.array(
        [*(t if zone else t.replace(tzinfo=None) for t in times), None], pa.timestamp("us", tz=zone)
    )
    path = write("a.parquet", t=stored)

    found = window(path).count_ages("t", end=START, period=timedelta(days=1))

    assert counted(found) == {0: 3, 1: 2, 3: 1, -1: 2}
    assert found.values.dtype == np.int64
    assert counted(window().count_ages("t", end=START, period=timedelta(days=1))) == {}


def test_a_window_knows_its_span(window: Open, write: Write) -> None:
    path = write("a.parquet", t=pa.array([START]), s=["a"])
    span = Span(after=START - timedelta(days=1), until=START)

    assert window(path).span == window().span == Span()
    assert window(path).narrow(timestamp="t", span=span).segment("s", "a").span == span
    assert window().narrow(timestamp="t", span=span).span == span


def test_columns_without_any_value(window: Open, write: Write) -> None:
    path = write("a.parquet", nothing=pa.nulls(3), number=pa.array([None] * 3, pa.float64()), one=[1, 1, 1])
    found = window(path)

    for column in ("nothing", "number"):
        assert counted(found.count_values(column, None, numeric=False)) == {}
        assert found.facts([column]).columns[column].missing == 3
        assert found.most_frequent(column, 3) == ()
        assert found.distances(found, "number") != found.distances(found, "one") == (0.0, 0.0)
    assert found.numbers(["number"], None).n == 0
    assert found.moments("one") == Moments(3, 1.0, 0.0)


def test_types_that_nothing_is_done_with(window: Open, write: Write) -> None:
    path = write(
        "a.parquet", deep=pa.array([{"a": [1]}]), blob=[b"x"], at=pa.array([1], pa.time64("us")), x=[1.0]
    )
    found = window(path)

    assert found.columns["deep"] == found.columns["blob"] == found.columns["at"] == "other"
    assert found.moments("x").n == 1
    with pytest.raises(SourceError, match=r"^current: column deep is other, not a number"):
        found.moments("deep")
