from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recwatch_exporter.config import Check
from recwatch_exporter.data import SideCounts
from recwatch_exporter.errors import SourceError, StatisticError
from recwatch_exporter.families.labels import in_middles
from recwatch_exporter.process.deadline import Deadline
from recwatch_exporter.results import Finding
from recwatch_exporter.run import run_check

START = datetime(2003, 5, 1, tzinfo=UTC)
Write = Callable[..., Path]
Run = Callable[..., Finding]
NAN, INF = float("nan"), float("inf")
SCORES = [0.1, 0.2, 0.6, 0.7, 0.8, 0.9]
LABELS = [0, 0, 1, 0, 1, 1]


@pytest.fixture
def run(make_check: Callable[..., Check], deadline: Deadline) -> Run:
    def measured(**keys: Any) -> Finding:
        check = make_check(**{"type": "performance", "column": "score", "target": "label"} | keys)
        (found,) = run_check(check, now=START, deadline=deadline).findings
        return found

    return measured


@pytest.fixture
def sides(write: Write) -> Callable[..., None]:
    """Write a reference with these labels, and a current window."""

    def write_sides(labels: Any = LABELS, scores: Any = SCORES, later: Any = SCORES) -> None:
        write("ref.parquet", score=scores, label=labels)
        write("cur.parquet", score=later)

    return write_sides


def test_scores_in_the_middle_of_their_cells() -> None:
    counts = SideCounts(np.array([0, 1, 2, 3]), np.array([5, 6, 7, 8]), np.array(["a", "b", "c", "d"]))

    found = in_middles(counts, np.array([0.0, 0.5, 2.0]))

    assert found.values.tolist() == [0.0, 0.25, 1.25, 2.0]
    assert found.counts.tolist() == [5, 6, 7, 8]
    assert found.clusters is counts.clusters


@pytest.mark.parametrize(
    ("labels", "keys", "message"),
    [
        (["a", "b", "c"] * 2, {}, r"label has 3 values, but accuracy needs two"),
        ([1] * 6, {}, r"label has 1 values, but accuracy needs two"),
        (["ham", "spam"] * 3, {}, r"label is ham or spam: say which is positive$"),
        ([1, 2] * 3, {"positive": 3}, r"label is 1 or 2, never 3: correct positive$"),
        (["a", "b"] * 3, {"metric": "mae"}, r"column label is text, not a number"),
        ([0, 1] * 3, {"target": "none"}, r"no column none"),
    ],
)
def test_labels_that_say_nothing(
    run: Run, sides: Callable[..., None], labels: Any, keys: dict[str, Any], message: str
) -> None:
    sides(labels)

    with pytest.raises(SourceError, match=f"^reference: {message}"):
        run(**keys)


@pytest.mark.parametrize(
    ("columns", "keys", "message"),
    [
        ((LABELS, [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]), {"metric": "precision"}, "precision is not defined"),
        ((LABELS, [0.1, 0.2, NAN, NAN, INF, NAN]), {}, "score has no values where label is 0 or 1"),
        (([NAN] * 6, SCORES), {"metric": "rmse"}, "no row has both score and label"),
        ((LABELS, [NAN] * 6), {"metric": "mae"}, "score holds no value"),
    ],
)
def test_a_reference_that_teaches_nothing(
    run: Run, sides: Callable[..., None], columns: tuple[Any, Any], keys: dict[str, Any], message: str
) -> None:
    sides(*columns)

    with pytest.raises(StatisticError, match=f"^reference: {message}"):
        run(**keys)


def test_scores_that_are_no_numbers(run: Run, sides: Callable[..., None]) -> None:
    sides(later=["high", "low"])

    with pytest.raises(SourceError, match=r"^current: column score is text, not a number"):
        run()


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "mae"])
@pytest.mark.parametrize("later", [pa.array([], pa.float64()), pa.array([None, NAN], pa.float64())])
def test_a_current_window_without_scores(
    run: Run, sides: Callable[..., None], metric: str, later: pa.Array
) -> None:
    sides(later=later)

    found = run(metric=metric)

    assert (found.statistic, found.detected, found.enough_rows, found.n_current) == (None, False, False, 0)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "mae", "rmse"])
@pytest.mark.parametrize("calibration", ["isotonic", "platt"])
def test_one_row_and_one_score(run: Run, sides: Callable[..., None], metric: str, calibration: str) -> None:
    sides(LABELS, [0.7] * 6, [0.7])

    found = run(metric=metric, calibration=calibration)

    assert found.effect_size == pytest.approx(0.0, abs=1e-12)
    assert not found.detected


def test_scores_beyond_those_that_were_learned(run: Run, sides: Callable[..., None]) -> None:
    sides(later=[-5.0, 0.5, 99.0, 0.7])

    found = run()

    assert found.details["outside"] == 0.5
    assert found.statistic is not None
