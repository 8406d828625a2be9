import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import freeze_check, run_check

NOW = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]


@pytest.fixture
def run(make_check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        check = make_check(**{"column": "vector", "key": "item_id", **keys})
        (found,) = run_check(check, now=NOW, deadline=deadline).findings
        return found

    return measured


def factors(write: Write, n: int = 120, d: int = 6) -> np.ndarray:
    """Factors of two trainings that say the same, in a turned space; of ids that both know and one more."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, d))
    turned = vectors @ np.linalg.qr(rng.normal(size=(d, d)))[0]
    write("ref.parquet", item_id=list(range(n + 1)), vector=[*vectors.tolist(), [1.0] * d])
    write("cur.parquet", item_id=list(range(n, 0, -1)), vector=[[1.0] * d, *turned[:0:-1].tolist()])
    return vectors


@pytest.mark.parametrize("kind", ["factors", "neighbours"])
def test_a_turned_space_is_no_drift(run: Run, write: Write, kind: str) -> None:
    factors(write)

    found = run(type=kind, threshold=0.8)

    assert found.statistic is not None
    assert found.statistic > 0.9
    assert (found.n_reference, found.n_current, found.details["shared"]) == (121, 120, 120)
    assert (found.p_value, found.detected) == (None, False)


def test_own_keys_reach_the_type(run: Run, write: Write) -> None:
    factors(write)

    assert run(type="neighbours", k=3, queries=50).details["k"] == 3
    assert run(type="factors", folds=7).details["folds"] == 7


def test_a_worker_logs_nothing(run: Run, write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write("ref.parquet", item_id=["a", "ü b"], vector=[[1.0, 0], [1.0, 0]])
    write("cur.parquet", item_id=["a", "ü b"], vector=[[1.0, 0], [0.0, 1]])

    with caplog.at_level(logging.DEBUG, "recwatch_exporter"):
        found = run(type="embedding", threshold=0.95)

    assert found.detected
    assert [item["id"] for item in found.details["worst"]] == ["ü b", "a"]
    assert caplog.messages == []  # its log is not set up: the parent's line names the worst


def test_broken_vectors_are_left_out_and_named(run: Run, write: Write) -> None:
    write("ref.parquet", item_id=[1, 2, 3], vector=[[1.0, 0], [1.0, 0], [float("nan"), 0]])
    write("cur.parquet", item_id=[1, 2, 3], vector=[[1.0, 0], [float("inf"), 0], [1.0, 0]])

    found = run(type="embedding")

    assert found.statistic == 1.0
    assert (found.details["left_out"], found.details["left_out_ids"]) == (2, [2, 3])


@pytest.mark.parametrize("kind", ["embedding", "factors", "neighbours"])
@pytest.mark.parametrize(("broken", "enough"), [(60, True), (80, False)])
def test_what_is_left_out_does_not_count_as_rows(
    run: Run, write: Write, kind: str, broken: int, *, enough: bool
) -> None:
    vectors = np.random.default_rng(0).normal(size=(120, 4))
    write("ref.parquet", item_id=list(range(121)), vector=[*vectors.tolist(), [1.0] * 4])
    vectors[:broken] = np.nan
    write("cur.parquet", item_id=list(range(120)), vector=vectors.tolist())

    found = run(type=kind, min_rows=50)

    assert (found.n_reference, found.n_current) == (121 - broken, 120 - broken)
    assert found.enough_rows is enough


def test_nothing_but_broken_vectors(run: Run, write: Write) -> None:
    write("ref.parquet", item_id=[1], vector=[[1.0, 0]])
    write("cur.parquet", item_id=[1], vector=[[float("nan"), 0]])

    with pytest.raises(StatisticError, match=r"^none of 1 shared vectors can be compared"):
        run(type="embedding")


@pytest.mark.parametrize("kind", ["embedding", "factors", "neighbours"])
def test_ids_that_do_not_match(run: Run, write: Write, kind: str) -> None:
    write("ref.parquet", item_id=[1, 2], vector=[[1.0, 0], [1.0, 0]])
    write("cur.parquet", item_id=[3, 4], vector=[[1.0, 0], [1.0, 0]])

    with pytest.raises(
        SourceError, match=r"^the windows share no item_id: compare vectors of the same things$"
    ):
        run(type=kind)


@pytest.mark.parametrize("kind", ["embedding", "factors", "neighbours"])
def test_a_profile_is_refused(
    make_check: Callable[..., Check], deadline: Deadline, write: Write, kind: str
) -> None:
    factors(write)
    check = make_check(type=kind, column="vector", key="item_id")

    with pytest.raises(
        SourceError, match=rf"^reference: {kind} compares vector by vector, so nothing smaller"
    ):
        freeze_check(check, now=NOW, deadline=deadline)
