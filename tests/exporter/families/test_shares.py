from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import CheckResult, Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]
NAN, INF = float("nan"), float("inf")
ALONE = {"reference": None}


@pytest.fixture
def run_all(make_check: Callable[..., Check], deadline: Deadline) -> Callable[..., CheckResult]:
    def measured(**keys: Any) -> CheckResult:
        return run_check(make_check(**{"type": "missing"} | keys), now=START, deadline=deadline)

    return measured


@pytest.fixture
def run(run_all: Callable[..., CheckResult]) -> Run:
    def measured(**keys: Any) -> Finding:
        (found,) = run_all(**keys).findings
        return found

    return measured


def test_null_and_not_finite_are_missing(run: Run, write: Write) -> None:
    write("cur.parquet", rating=pa.array([1.0, None, NAN, INF, -INF, 2.0, 3.0, 4.0]))

    found = run(**ALONE)

    assert found.statistic == found.effect_size == 4 / 8
    assert (found.p_value, found.detected, found.n_reference) == (None, True, None)
    assert (found.details["null"], found.details["non_finite"]) == (1, 3)


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None, "", "ü"]),
        pa.array([1, None, 3, 4]),
        pa.array([True, None, False, False]),
        pa.array([[1.0], None, [2.0], [3.0]]),
        pa.array([START, None, START, START]),
    ],
    ids=["text", "integers", "truth", "vectors", "times"],
)
def test_any_kind_of_column_can_be_missing(run: Run, write: Write, values: pa.Array) -> None:
    write("cur.parquet", **{'a "b" ü': values})

    assert run(**ALONE, column='a "b" ü').statistic == 0.25


def test_an_increase_over_the_reference(run: Run, write: Write) -> None:
    rng = np.random.default_rng(0)
    write("ref.parquet", rating=pa.array(np.where(rng.random(2000) < 0.1, NAN, 1.0)))
    write("cur.parquet", rating=pa.array(np.where(rng.random(1000) < 0.3, NAN, 1.0)))

    found = run(threshold=0.1)

    reference, current = (
        pd.read_parquet(write("x.parquet").parent / f"{side}.parquet") for side in ("ref", "cur")
    )
    assert found.statistic == pytest.approx(current["rating"].isna().mean(), abs=1e-12)
    assert found.details["reference_share"] == pytest.approx(reference["rating"].isna().mean(), abs=1e-12)
    assert found.effect_size == pytest.approx(0.2, abs=0.03)
    assert (found.p_value, found.detected) == (0.001, True)
    assert found.details["bins"]["labels"] == ["present", "not finite"]


def test_users_who_never_give_a_value_are_no_increase(run: Run, write: Write) -> None:
    """Half of the users never do; which of them came this week is chance."""
    users = np.repeat(np.arange(40), 50)
    values = np.where((users < 8) | (users >= 28), NAN, 1.0)
    first = users < 20
    write("ref.parquet", rating=values[first], user_id=users[first])
    write("cur.parquet", rating=values[~first], user_id=users[~first])

    plain, clustered = run(threshold=0), run(threshold=0, cluster="user_id")

    assert plain.effect_size == clustered.effect_size == pytest.approx(0.2, abs=1e-12)
    assert plain.p_value == 0.001
    assert clustered.p_value is not None
    assert clustered.p_value > 0.05
    assert clustered.details["clusters"] == 40


def test_no_rows_and_all_rows_missing(run: Run, write: Write) -> None:
    write("ref.parquet", rating=np.ones(60))
    write("cur.parquet", rating=pa.array([None] * 60, pa.float64()))

    assert run(threshold=0.5).statistic == 1.0
    write("cur.parquet", rating=np.empty(0))
    empty = run(min_rows=50)
    assert (empty.statistic, empty.detected, empty.enough_rows) == (None, False, False)


def test_one_column_that_is_not_there_does_not_lose_its_neighbours(
    run_all: Callable[..., CheckResult], write: Write
) -> None:
    write("cur.parquet", a=[1.0, NAN], b=[1.0, 2.0])

    result = run_all(**ALONE, column=None, columns=["a", "none", "b"])

    assert [finding.statistic for finding in result.findings] == [0.5, None, 0.0]
    assert result.failure is not None
    assert "no column none" in result.failure[1]


def test_keys_that_are_there_twice(run: Run, write: Write) -> None:
    frame = pd.DataFrame({"user": [1, 1, 1, 2, 3, None, None], "item": [1, 1, 2, 2, 2, 2, 2]})
    write(
        "cur.parquet",
        user=pa.array(frame["user"], pa.int64(), from_pandas=True),
        item=frame["item"].to_numpy(),
    )

    one = run(type="duplicates", **ALONE, column="user")
    two = run(type="duplicates", **ALONE, column=None, columns=["user", "item"])

    known = frame.dropna()
    assert one.statistic == pytest.approx(known["user"].duplicated().mean(), abs=1e-15)
    assert two.statistic == pytest.approx(known.duplicated(["user", "item"]).mean(), abs=1e-15)
    assert (one.details["wrong"], one.details["distinct"], one.details["without_key"]) == (2, 3, 2)
    assert one.details["most_frequent"][0] == "1"
    assert (two.feature, two.n_current, two.detected) == ("user,item", 5, True)


def test_more_keys_twice_than_in_the_reference(run: Run, write: Write) -> None:
    write("ref.parquet", item_id=[1, 1, 2, 3])
    write("cur.parquet", item_id=[1, 1, 2, 2])

    found = run(type="duplicates", column="item_id", threshold=0.3)

    assert (found.statistic, found.effect_size, found.detected) == (0.5, 0.25, False)


def test_a_key_of_no_rows(run: Run, write: Write) -> None:
    write("cur.parquet", item_id=pa.array([], pa.int64()))

    assert run(type="duplicates", **ALONE, column="item_id").statistic is None


def test_a_key_that_is_not_there(run: Run, write: Write) -> None:
    write("cur.parquet", item_id=[1])

    with pytest.raises(SourceError, match=r"^current: no column user"):
        run(type="duplicates", **ALONE, column="user")


def test_users_of_another_type_than_before_are_refused(run: Run, write: Write) -> None:
    write("ref.parquet", rating=[1.0, None] * 50, user_id=list(range(100)))
    write("cur.parquet", rating=[1.0, None] * 50, user_id=[str(user) for user in range(100)])

    with pytest.raises(SourceError, match=r"^column user_id holds text in one window and numbers"):
        run(cluster="user_id")
