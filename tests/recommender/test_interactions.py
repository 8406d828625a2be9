import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recommender.errors import DataError
from recommender.interactions import (
    CLICK,
    SCHEMA,
    Interactions,
    batches,
    read_interactions,
    write_interactions,
)

MakeRatings = Callable[[Sequence[tuple[int, int, float, int]]], Interactions]


def rows(interactions: Interactions) -> list[tuple[int, int, float, str]]:
    columns = (interactions.user_id, interactions.item_id, interactions.rating, interactions.event)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_file_gives_back_what_was_written(tmp_path: Path, make_ratings: MakeRatings) -> None:
    written = make_ratings([(1, 10, 3.5, 5), (2, 11, 4.0, 9)])
    written = replace(written, observed_at=written.timestamp + np.timedelta64(1_500_001, "us"))
    write_interactions(tmp_path / "batch.parquet", written)
    found = read_interactions([tmp_path / "batch.parquet"])
    assert rows(found) == rows(written)
    assert (found.timestamp == written.timestamp).all()
    assert (found.observed_at == written.observed_at).all()


def test_the_file_has_the_columns_that_other_programs_read(tmp_path: Path, make_ratings: MakeRatings) -> None:
    write_interactions(tmp_path / "batch.parquet", make_ratings([(1, 10, 3.5, 5)]))
    assert pq.read_schema(tmp_path / "batch.parquet").equals(SCHEMA)


def test_a_click_has_no_rating(tmp_path: Path, make_ratings: MakeRatings) -> None:
    click = replace(make_ratings([(1, 10, float("nan"), 5)]), event=np.array([CLICK]))
    write_interactions(tmp_path / "batch.parquet", click)
    assert pq.read_table(tmp_path / "batch.parquet").column("rating").null_count == 1
    found = read_interactions([tmp_path / "batch.parquet"])
    assert np.isnan(found.rating).tolist() == [True]
    assert len(found.ratings()) == 0


def test_batches_being_written_are_not_read(tmp_path: Path, make_ratings: MakeRatings) -> None:
    for name in ("b.parquet", "a.parquet", ".c.parquet"):
        write_interactions(tmp_path / name, make_ratings([(1, 10, 3.5, 5)]))
    (tmp_path / "notes.txt").write_text("not a batch")
    assert [path.name for path in batches(tmp_path)] == ["a.parquet", "b.parquet"]


def test_nothing_is_left_beside_a_written_file(tmp_path: Path, make_ratings: MakeRatings) -> None:
    write_interactions(tmp_path / "batch.parquet", make_ratings([(1, 10, 3.5, 5)]))
    assert [path.name for path in tmp_path.iterdir()] == ["batch.parquet"]


def test_no_file_is_no_interaction() -> None:
    assert len(read_interactions([])) == 0
    assert len(read_interactions([]).ratings()) == 0


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"bad\.parquet is not a file of interactions"):
        read_interactions([tmp_path / "bad.parquet"])


@pytest.mark.parametrize("name", ["user_id", "timestamp"])
def test_rows_without_a_value_are_refused(tmp_path: Path, make_ratings: MakeRatings, name: str) -> None:
    table = make_ratings([(1, 10, 3.5, 5), (2, 10, 3.5, 5)]).to_table()
    column = pa.array([table.column(name)[0].as_py(), None], SCHEMA.field(name).type)
    pq.write_table(table.set_column(SCHEMA.names.index(name), name, column), tmp_path / "bad.parquet")
    with pytest.raises(
        DataError, match=rf"bad\.parquet is not a file of interactions \(rows without {name}\)"
    ):
        read_interactions([tmp_path / "bad.parquet"])


def test_ratings_keep_the_first_of_each_user_and_item(make_ratings: MakeRatings) -> None:
    found = make_ratings([(1, 10, 5.0, 9), (1, 10, 2.0, 3), (1, 11, 4.0, 5)]).ratings()
    assert rows(found) == [(1, 10, 2.0, "rating"), (1, 11, 4.0, "rating")]


def test_ratings_of_one_second_do_not_depend_on_the_order_of_arrival(make_ratings: MakeRatings) -> None:
    given = [(1, 12, 3.0, 5), (1, 10, 4.0, 5), (1, 11, 5.0, 5)]
    orders = {tuple(rows(make_ratings(order).ratings())) for order in itertools.permutations(given)}
    assert len(orders) == 1


def test_a_window_takes_its_start_and_leaves_its_end(make_ratings: MakeRatings) -> None:
    ratings = make_ratings([(1, item, 3.0, item) for item in range(5)])
    base = np.datetime64("2003-01-01", "us")
    second = np.timedelta64(1, "s")
    assert ratings.between(base + second, base + 3 * second).item_id.tolist() == [1, 2]
