import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.sources.connections import Connections, connections
from recwatch_exporter.sources.files import open_files
from recwatch_exporter.sources.kinds import Kind
from recwatch_exporter.sources.sniffed import as_struct, typed
from recwatch_exporter.sources.view import View
from recwatch_exporter.sources.window import Window

Open = Callable[..., Window]
FIRST = 30_000
"""More rows than DuckDB looks at by itself."""


def write(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """A file of rows: CSV or TSV, whose header are the keys of the first, or JSON lines."""
    listed = list(rows)
    if path.suffix == ".jsonl":
        lines = [json.dumps(row) for row in listed]
    else:
        mark = "\t" if path.suffix == ".tsv" else ","
        lines = [mark.join(listed[0])]
        lines += [mark.join("" if value is None else str(value) for value in row.values()) for row in listed]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(params=["csv", "tsv", "jsonl"])
def ending(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows(late: Mapping[str, object], early: Mapping[str, object]) -> list[Mapping[str, object]]:
    return [early] * FIRST + [late] * 10


def test_halves_that_come_late_stay_halves(tmp_path: Path, window: Open, ending: str) -> None:
    found = window(write(tmp_path / f"a.{ending}", rows({"x": 2.5}, {"x": 3})))

    assert found.columns == {"x": Kind.FLOATING}
    counts = found.count_values("x", None, numeric=True)
    assert counts is not None
    assert dict(zip(counts.values, counts.counts, strict=True)) == {3.0: FIRST, 2.5: 10}


def test_halves_of_a_later_file_stay_halves(tmp_path: Path, window: Open, ending: str) -> None:
    names = [f"{number:02}.{ending}" for number in range(40)]  # more files than are looked at by themselves
    files = [write(tmp_path / name, [{"x": 3, "y": 1}] * 10) for name in names]
    write(files[-1], rows({"x": 2.5, "y": 1}, {"x": 3, "y": 1}))

    found = window(*files)

    assert found.columns == {"x": Kind.FLOATING, "y": Kind.INTEGER}
    assert found.moments("x").mean == pytest.approx((3 * (FIRST + 390) + 25) / (FIRST + 400), rel=1e-12)


def test_many_small_files_take_no_room_each(tmp_path: Path, ending: str) -> None:
    """DuckDB sets 32 MiB aside for each file of JSON lines whose types it finds out."""
    names = [f"{number:02}.{ending}" for number in range(40)]
    files = [write(tmp_path / name, [{"x": 3.5}]) for name in names]

    with connections(Deadline(timedelta(minutes=1)), {"memory_limit": "300MiB"}) as opened:
        found = Window(
            "current",
            View("current", "files", opened.local, open_files(opened.local, files, tmp_path)),
            opened.local,
        )
        assert found.moments("x").mean == 3.5


def test_a_column_that_a_later_file_brings(tmp_path: Path, window: Open) -> None:
    for ending in ("csv", "jsonl"):
        first = write(tmp_path / f"a.{ending}", [{"x": 3}] * 10)
        second = write(tmp_path / f"b.{ending}", rows({"x": 1, "z": 0.5}, {"x": 3, "z": None}))
        (tmp_path / "c.csv").write_text("x,z\n", encoding="utf-8")

        found = window(first, second, *([tmp_path / "c.csv"] if ending == "csv" else []))

        assert found.columns == {"x": Kind.INTEGER, "z": Kind.FLOATING}
        assert found.moments("z").n == 10


def test_a_key_that_comes_late_is_a_column(tmp_path: Path, window: Open) -> None:
    found = window(write(tmp_path / "a.jsonl", rows({"x": 2.5, "y": 1}, {"y": 1})))

    assert found.moments("x").mean == 2.5


def test_any_number_of_keys_are_columns(tmp_path: Path, window: Open) -> None:
    wide = window(write(tmp_path / "a.jsonl", [{f"k{i}": i for i in range(300)}] * 9))
    sparse = window(write(tmp_path / "b.jsonl", [{f"k{i}": i} for i in range(300)]))

    assert len(wide.columns) == len(sparse.columns) == 300
    assert sparse.rows() == 300


def test_numbers_after_empty_rows_are_numbers(tmp_path: Path, window: Open) -> None:
    found = window(write(tmp_path / "a.csv", rows({"x": 2.5, "y": 1}, {"x": None, "y": 1})))

    assert found.moments("x").n == 10


@pytest.mark.parametrize(
    ("late", "kind"), [("a word", Kind.TEXT), (10**25, Kind.FLOATING), ("2026-13-45", Kind.TEXT)]
)
def test_what_fits_no_whole_number_decides(tmp_path: Path, window: Open, late: object, kind: Kind) -> None:
    found = window(write(tmp_path / "a.csv", rows({"x": late}, {"x": 3})))

    assert found.columns == {"x": kind}
    assert found.rows() == FIRST + 10


def test_folders_of_hive_stay_columns(tmp_path: Path, opened: Connections, ending: str) -> None:
    folder = tmp_path / "day=2003-05-01"
    folder.mkdir()
    write(folder / f"a.{ending}", rows({"x": 2.5}, {"x": 3}))

    table = open_files(opened.local, [folder / f"a.{ending}"], tmp_path)

    assert table.schema()["day"].is_date()
    assert table.schema()["x"].is_floating()
    (row,) = opened.local.fetch(table.aggregate(least=table.x.min(), day=table.day.nunique())).to_pylist()
    assert row == {"least": 2.5, "day": 1}


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("2026-04-03", "2026-04-25"),
        ("2026-04-03T10:00:00+02:00", "2026-04-25T10:00:00+02:00"),
        ("2026-04-03 10:00:00.5", "2026-04-25 10:00:00.5"),
        ("03/04/2026", "25/04/2026"),
        ("04-03-26", "04-25-26"),
        ("03-04-2026", "25-04-2026"),
    ],
)
def test_times_are_those_of_every_row(
    tmp_path: Path, opened: Connections, early: str, late: str, ending: str
) -> None:
    path = write(tmp_path / f"a.{ending}", rows({"at": late, "x": 1.5}, {"at": early, "x": 1}))
    call = "json" if ending == "jsonl" else "csv"
    once = opened.local.select(f"SELECT * FROM read_{call}('{path}', sample_size = -1)")  # noqa: S608 - ours

    table = open_files(opened.local, [path], tmp_path)

    assert table.schema() == once.schema()
    assert table.schema()["at"].is_string() or table.schema()["at"].is_temporal()
    found, wanted = (
        opened.local.fetch(
            each.aggregate(first=each["at"].min(), last=each["at"].max(), n=each["at"].nunique())
        )
        for each in (table, once)
    )
    assert found == wanted


def test_types_are_told_where_no_query_could_read_them_otherwise(tmp_path: Path, opened: Connections) -> None:
    asked = []

    def made(name: str, at: str) -> str:
        path = write(tmp_path / name, [{"at": at, "x": 1}])

        def reader(types: Mapping[str, str] | None) -> str:
            asked.append(types)
            more = "sample_size = -1" if types is None else f"types = {as_struct(types)}"
            return f"read_csv('{path}', {more})"

        return typed(opened.local, reader, frozenset())

    assert made("a.csv", "2026-04-03").endswith("types = {'at': 'DATE', 'x': 'BIGINT'})")
    assert made("b.csv", "25/04/2026").endswith("sample_size = -1)")
    asked.clear()
    assert made("a.csv", "2026-04-03").endswith("'x': 'BIGINT'})")
    assert asked == [None]  # found out already


def test_names_and_types_of_any_letters() -> None:
    assert as_struct({"it's": 'STRUCT("a" BIGINT)'}) == "{'it''s': 'STRUCT(\"a\" BIGINT)'}"


def test_what_cannot_be_read_names_its_line(tmp_path: Path, window: Open) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n" + "1,2\n" * FIRST + "1\n", encoding="utf-8")

    with pytest.raises(
        SourceError,
        match=rf"^cannot be read: line {FIRST + 2} of .*a\.csv: Expected Number of Columns: 2 Found: 1: ",
    ):
        window(path)


def test_lists_of_numbers_are_vectors(tmp_path: Path, window: Open) -> None:
    found = window(write(tmp_path / "a.jsonl", rows({"v": [0.5, 1]}, {"v": [1, 1]})))

    values = np.concatenate([batch.values for batch in found.numbers(["v"], None).batches()])

    assert found.columns == {"v": Kind.VECTOR}
    assert sorted(np.unique(values)) == [0.5, 1.0]
