from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections
from recwatch_exporter.sources.duck import DuckEngine
from recwatch_exporter.sources.expressions import is_value
from recwatch_exporter.sources.files import ending, open_files
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.locations import Location
from recwatch_exporter.sources.window import Window

Open = Callable[..., Window]
HOSTILE = 'a"; DROP TABLE x; -- ü'


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.csv.gz"])
def test_the_same_figures_from_csv(
    tmp_path: Path,
    name: str,
    events: pd.DataFrame,
    window: Open,
    agree: Callable[[Window, Window], None],
) -> None:
    path, finite = tmp_path / name, events.replace(np.inf, np.nan)
    finite.to_parquet(tmp_path / "events.parquet")
    finite.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")

    agree(window(path), window(tmp_path / "events.parquet"))


@pytest.mark.parametrize("name", ["e.jsonl", "e.ndjson", "e.json", "e.jsonl.gz"])
def test_json_lines(tmp_path: Path, name: str, events: pd.DataFrame, window: Open) -> None:
    path = tmp_path / name
    finite = events.replace(np.inf, np.nan)  # JSON has no infinity
    text = finite.assign(timestamp=finite["timestamp"].dt.strftime("%Y-%m-%d %H:%M:%S.%f"))
    text.to_json(path, orient="records", lines=True, double_precision=15)

    found = window(path)

    assert found.columns["timestamp"] is Kind.TIME
    assert found.rows() == len(events)
    assert found.most_frequent("item", 40) == window_of(events)
    assert found.moments("score").mean == pytest.approx(finite["score"].mean(), rel=1e-12)


def window_of(events: pd.DataFrame) -> tuple[str, ...]:
    counts = events["item"].value_counts()
    order = sorted(counts.index, key=lambda item: (-counts[item], item))
    return tuple(str(item) for item in order)


def test_folders_of_hive(tmp_path: Path, opened: Connections) -> None:
    for day in ("2003-05-01", "2003-05-02"):
        folder = tmp_path / "root=1" / f"day={day}" / "country=ü"
        folder.mkdir(parents=True)
        pd.DataFrame({"x": [1.0]}).to_parquet(folder / "part.parquet")
    place = Location(tmp_path / "root=1", "**/*.parquet")

    table = open_files(opened.local, place.files(), place.root)

    assert opened.local.fetch(table.select("x", "country")).to_pylist() == [{"x": 1.0, "country": "ü"}] * 2
    assert table.schema()["day"].is_date()


def test_a_folder_above_is_no_partition(tmp_path: Path, opened: Connections) -> None:
    folder = tmp_path / "day=2003-05-01"
    folder.mkdir()
    pd.DataFrame({"x": [1.0]}).to_parquet(folder / "part.parquet")

    assert open_files(opened.local, [folder / "part.parquet"], folder).columns == ("x",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.txt"], r"a\.txt: the ending says no format that is read: use one of \.parquet, "),
        (["a"], r"a: the ending says no format that is read"),
        (["a.csv", "a.parquet"], r"^files of 2 formats under one path: give each side one format$"),
    ],
)
def test_formats_that_are_not_read(
    tmp_path: Path, opened: Connections, names: list[str], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        open_files(opened.local, [tmp_path / name for name in names], tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"a,b\n" + b"1,2\n" * 100_000 + b"1,2,3\n"),
        ("a.csv", b"a,b\n" + b'1,"x"\n' * 100_000 + b'1,"x\n'),
        ("a.jsonl", b'{"a": 1}\n{"a": '),
        ("a.jsonl", b"\x00\x01\x02"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00 not gzip at all"),
    ],
)
def test_broken_files(tmp_path: Path, window: Open, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(SourceError, match=r"cannot be read: "):
        window(path).most_frequent("a", 3)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.CSV", ".csv"),
        ("a.b.parquet", ".parquet"),
        ("a.csv.gz", ".csv"),
        ("a.gz", ".gz"),
        ("a", ""),
        ("v1.2/a", ""),
    ],
)
def test_endings(name: str, found: str) -> None:
    assert ending(Path(name)) == found


@settings(max_examples=25)
@given(
    name=st.text(min_size=1, max_size=20).filter(lambda name: "\x00" not in name and name.isprintable()),
    values=st.lists(st.none() | st.floats(), min_size=1, max_size=20),
)
def test_any_name_of_a_column_and_any_values(
    tmp_path_factory: pytest.TempPathFactory, name: str, values: list[float | None]
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.parquet"
    pd.DataFrame({name: np.array([np.nan if value is None else value for value in values])}).to_parquet(path)
    engine = DuckEngine(Deadline(pd.Timedelta(minutes=1).to_pytimedelta()))
    table = open_files(engine, [path], path.parent)
    numbers = np.array([value for value in values if value is not None and np.isfinite(value)])

    assert table.columns == (name,)
    found = engine.fetch(table.filter(is_value(table[name], "duckdb")))

    np.testing.assert_array_equal(np.sort(found.column(0).to_numpy()), np.sort(numbers))
    engine.close()


def test_a_row_that_is_cut_off_hides_the_columns(tmp_path: Path, window: Open) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b,c\n1\n2\n", encoding="utf-8")
    found = window(path)
    name = "b" if list(found.columns) == ["a;b,c"] else "a"

    with pytest.raises(SourceError, match="as one column: a row of another length, such as one cut off"):
        found.moments(name)
