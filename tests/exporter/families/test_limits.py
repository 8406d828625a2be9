from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]
NAN, INF = float("nan"), float("inf")
ALONE = {"reference": None}


@pytest.fixture
def run(make_check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        check = make_check(**{"type": "range", "threshold": 0.2} | keys)
        (found,) = run_check(check, now=START, deadline=deadline).findings
        return found

    return measured


def test_limits_that_are_written_down(run: Run, write: Write) -> None:
    write("cur.parquet", rating=pa.array([0.5, 5.0, 0.4999, 5.0001, 7.0, NAN, INF, None]))

    found = run(**ALONE, low=0.5, high=5)

    assert found.statistic == found.effect_size == 3 / 5
    assert (found.n_current, found.details["below"], found.details["above"]) == (5, 1, 2)
    assert (found.p_value, found.detected) == (None, True)
    assert run(**ALONE, low=0.5).statistic == 1 / 5
    assert run(**ALONE, high=5).statistic == 2 / 5


def test_limits_of_the_reference(run: Run, write: Write) -> None:
    write("ref.parquet", rating=pa.array([1.0, 5.0, NAN, INF, None]))
    write("cur.parquet", rating=[1.0, 5.0, 0.5, 4.5])

    found = run()

    assert (found.statistic, found.effect_size, found.details["reference_share"]) == (0.25, 0.25, 0.0)
    assert (found.details["low"], found.details["high"]) == (1.0, 5.0)


def test_an_increase_where_the_reference_breaks_the_limits_too(run: Run, write: Write) -> None:
    write("ref.parquet", rating=[1, 2, 3, 99])
    write("cur.parquet", rating=[1, 2, 99, 99])

    found = run(low=1, high=5)

    assert (found.statistic, found.effect_size) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("values", "allowed", "wrong"),
    [
        (["de", "en", "fr", "日本"], ["de", "en", "日本"], 1),
        ([1, 2, 3], [1, 3], 1),
        ([1.0, 2.5, 3.0], [1, 2.5, "x"], 1),
        ([True, False, True], [True], 1),
        (["1", "true", "x"], [1, True], 1),
    ],
    ids=["text", "integers", "floats", "truth", "numbers as text"],
)
def test_values_that_are_written_down(
    run: Run, write: Write, values: list[Any], allowed: list[Any], wrong: int
) -> None:
    write("cur.parquet", language=pa.array([*values, None]))

    found = run(**ALONE, column="language", values=allowed)

    assert found.statistic == pytest.approx(wrong / len(values), abs=1e-15)
    assert found.n_current == len(values)


def test_values_of_the_reference(run: Run, write: Write) -> None:
    write("ref.parquet", language=["de", "en"])
    write("cur.parquet", language=["de", "xx", "xx", "yy"])

    found = run(column="language")

    assert found.statistic == 0.75
    assert found.details["unknown"] == [{"value": "xx", "rows": 2}, {"value": "yy", "rows": 1}]


@pytest.mark.parametrize("values", [pa.array([None, NAN], pa.float64()), pa.array([None], pa.string())])
def test_a_reference_without_a_value_has_no_limits(run: Run, write: Write, values: pa.Array) -> None:
    write("ref.parquet", rating=values)
    write("cur.parquet", rating=[1.0])

    with pytest.raises(StatisticError, match="rating holds no value to take limits from: give low and high"):
        run()


def test_limits_of_text_are_refused(run: Run, write: Write) -> None:
    write("cur.parquet", rating=["a"])

    with pytest.raises(SourceError, match=r"^current: column rating is text, not a number"):
        run(**ALONE, low=1)


def test_no_rows(run: Run, write: Write) -> None:
    write("ref.parquet", rating=np.arange(60.0))
    write("cur.parquet", rating=np.empty(0))

    for keys in ({}, {"low": 1}, {"values": [1, 2]}):
        found = run(**keys, min_rows=50)
        assert (found.statistic, found.detected, found.enough_rows) == (None, False, False)


def test_huge_categories(run: Run, write: Write) -> None:
    write("cur.parquet", word=[f"w{i}" for i in range(100_001)])

    with pytest.raises(SourceError, match="word has more than 100000 different values"):
        run(**ALONE, column="word", values=["a"])
