from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]


@pytest.fixture
def run(make_check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        plain = {"type": "schema", "column": None, "threshold": 1, "min_rows": 50}
        (found,) = run_check(make_check(**plain | keys), now=START, deadline=deadline).findings
        return found

    return measured


def test_columns_came_went_and_changed(run: Run, write: Write) -> None:
    write("ref.parquet", user_id=[1], rating=[1.0], title=["a"], 名前=["x"])
    write("cur.parquet", user_id=["1"], rating=[2.0], 名前=["y"], **{'new "one"': [True]})

    found = run()

    assert (found.statistic, found.effect_size, found.p_value, found.detected) == (3.0, 3.0, None, True)
    assert found.details["gone"] == ["title"]
    assert found.details["new"] == ['new "one"']
    assert found.details["changed"] == {"user_id": {"expected": "integer", "found": "text"}}
    assert found.feature == "rows"


def test_the_same_columns_in_another_order(run: Run, write: Write) -> None:
    write("ref.parquet", a=[1], b=[1.0])
    write("cur.parquet", b=np.ones(3), a=[1, 2, 3])

    found = run()

    assert (found.statistic, found.detected) == (0.0, False)


def test_what_is_expected_can_be_written_down(run: Run, write: Write) -> None:
    write("cur.parquet", user_id=[1], rating=[1.0], vector=[[1.0]], more=["x"])
    expect = {"user_id": "integer", "rating": "floating", "vector": "vector"}

    assert run(reference=None, expect=expect).details["new"] == ["more"]
    assert run(reference=None, expect=expect, allow_new=True).statistic == 0.0


def test_a_file_without_rows_has_columns(run: Run, write: Write) -> None:
    write("cur.parquet", a=np.empty(0), b=np.empty(0))

    found = run(reference=None, expect={"a": "floating"})

    assert (found.statistic, found.detected, found.n_current) == (1.0, True, 0)


def test_no_file_has_no_columns(run: Run) -> None:
    with pytest.raises(SourceError, match=r"^current: there is no file yet, and so no columns"):
        run(reference=None, expect={"a": "floating"}, current={"path": "none-*.parquet"})
