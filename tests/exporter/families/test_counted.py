from collections.abc import Callable

import numpy as np
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.families.counted import MOST_NUMBERS, count_both, freeze_counts
from recwatch_exporter.sources.window import Window

MakeCheck = Callable[..., Check]
MakeWindow = Callable[..., Window]


def test_few_values_are_kept_one_by_one(make_check: MakeCheck, array_window: MakeWindow) -> None:
    check = make_check(column="x", cluster="user_id")

    frozen = freeze_counts(check, "x", array_window("reference", x=[1.0, 1.0, 2.0], user_id=[7, 7, 9]))

    assert sorted(frozen) == ["cluster_index", "clusters", "counts", "rows", "value_index", "values"]
    assert (frozen["values"].tolist(), frozen["counts"].tolist()) == ([1.0, 2.0], [2.0, 1.0])
    assert frozen["clusters"].tolist() == [7, 9]


def test_what_is_kept_of_many_values_does_not_grow_with_them(
    make_check: MakeCheck, array_window: MakeWindow
) -> None:
    check = make_check(column="x")
    values = np.random.default_rng(0).normal(size=50_000)

    frozen = freeze_counts(check, "x", array_window("reference", x=values))

    assert len(frozen["values"]) < 2100
    assert frozen["moments"].tolist() == [50_000, values.mean(), values.std()]
    assert frozen["counts"].sum() == 50_000


@pytest.mark.parametrize("distinct", [MOST_NUMBERS, MOST_NUMBERS + 1])
def test_up_to_a_limit_every_value_counts(
    make_check: MakeCheck, array_window: MakeWindow, distinct: int
) -> None:
    check = make_check(column="x")
    reference = array_window("reference", x=np.arange(distinct))
    current = array_window("current", x=np.arange(10))

    counted = count_both(check, "x", freeze_counts(check, "x", reference), current)

    assert (counted.edges is None) == (distinct == MOST_NUMBERS)
    assert counted.totals == (distinct, 10)


def test_rows_beyond_the_references_ends_are_where_they_are(
    make_check: MakeCheck, array_window: MakeWindow
) -> None:
    check = make_check(type="moments", column="x")
    reference = array_window("reference", x=np.arange(5000))
    current = array_window("current", x=np.array([-70, -50, 100, 9000, 9000]))

    counted = count_both(check, "x", freeze_counts(check, "x", reference), current)

    assert counted.values[0] == pytest.approx(-60, abs=2)
    assert counted.values[-1] == 9000
    assert (np.diff(counted.values) >= 0).all()


def test_ids_never_get_cells(make_check: MakeCheck, array_window: MakeWindow) -> None:
    ids = np.arange(MOST_NUMBERS + 5)
    for keys in ({"type": "spearman"}, {"type": "unseen"}, {"type": "psi", "categorical": True}):
        check = make_check(column="x", threshold=0.5, **keys)

        frozen = freeze_counts(check, "x", array_window("reference", x=ids))

        assert "edges" not in frozen
        assert len(frozen["values"]) == len(ids)


def test_values_beyond_number_are_refused(make_check: MakeCheck, array_window: MakeWindow) -> None:
    window = array_window("current", x=np.arange(3))
    check = make_check(type="spearman", column="x")
    window.count_values = lambda *_args, **_keys: None  # type: ignore[method-assign] # as a source says it

    with pytest.raises(
        StatisticError, match=r"^current: column x holds more than 5,000,000 different values:"
    ):
        freeze_counts(check, "x", window)


@pytest.mark.parametrize("role", ["value", "cluster"])
def test_ids_that_would_become_the_same_are_refused(
    make_check: MakeCheck, array_window: MakeWindow, role: str
) -> None:
    ids = 2**53 + np.arange(4)
    columns = [{"x": ids if role == "value" else np.arange(4), "user_id": ids} for _ in range(2)]
    columns[1] = {name: values.astype(np.float64) for name, values in columns[1].items()}
    if role == "value":
        columns = [{**side, "user_id": np.arange(4)} for side in columns]
    check = make_check(type="unseen", column="x", cluster="user_id")
    frozen = freeze_counts(check, "x", array_window("reference", **columns[0]))

    with pytest.raises(SourceError, match=r"in the reference and float64 in the current window"):
        count_both(check, "x", frozen, array_window("current", **columns[1]))
