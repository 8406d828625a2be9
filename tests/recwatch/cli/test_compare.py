import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recwatch.store import open_store

Command = Callable[..., Any]
FIRST, SECOND = "als_20250118_031500_5d0c1e", "als_20250119_031500_a41f77"
FAILED = "bpr_20250120_031500_c0ffee"


@pytest.fixture(autouse=True)
def _store(runs: Path) -> None:
    pass


def test_figures_stand_side_by_side(recwatch: Command) -> None:
    answer = recwatch("compare", FIRST, SECOND)
    assert (answer.code, answer.err) == (0, "")
    lines = {" ".join(line.split()) for line in answer.out.splitlines()}
    assert f"A {FIRST}" in lines
    assert "ndcg@10 0.1890 0.1970 +0.008000 +4.2 % B" in lines
    assert "rmse 0.8610 0.8530 -0.008000 -0.9 % B" in lines
    assert "coverage 0.4100 0.4100 0 +0.0 % equal" in lines
    assert "factors 64 128" in lines
    assert "data version until 2025-01-18 until 2025-01-19" in lines
    assert "The runs saw different data" in answer.out


def test_json_says_the_same(recwatch: Command) -> None:
    document = json.loads(recwatch("compare", "--json", FIRST, SECOND).out)
    figures = {item["name"]: item for item in document["metrics"]}
    assert figures["rmse"]["better"] == "B"
    assert figures["rmse"]["difference"] == pytest.approx(-0.008)
    assert figures["final loss"]["better"] == "B"
    assert document["hyperparameters"] == {"factors": {"a": 64, "b": 128}}
    assert document["same_data_version"] is False
    assert document["a"]["git_commit"] == "07d2e6b"


def test_a_run_is_equal_to_itself(recwatch: Command) -> None:
    answer = recwatch("compare", FIRST, FIRST)
    assert "The hyper-parameters are the same." in answer.out
    assert "different data" not in answer.out
    document = json.loads(recwatch("compare", "--json", FIRST, FIRST).out)
    assert {item["better"] for item in document["metrics"]} == {"equal", None}


def test_a_run_that_failed_has_gaps(recwatch: Command) -> None:
    document = json.loads(recwatch("compare", "--json", FAILED, FIRST).out)
    figures = {item["name"]: item for item in document["metrics"]}
    assert (figures["ndcg@10"]["a"], figures["ndcg@10"]["better"]) == (None, None)
    assert document["hyperparameters"]["epochs"] == {"a": 20, "b": None}
    assert recwatch("compare", FAILED, FIRST).code == 0


def test_validation_is_said_to_be_the_last(recwatch: Command, runs: Path) -> None:
    assert "last validation" not in recwatch("compare", FIRST, SECOND).out
    with open_store(f"sqlite:///{runs}") as store:
        store.save_run({"run_id": FIRST, "extra_metrics": '{"validation": {"ndcg@10": 0.1}}'})
    answer = recwatch("compare", FIRST, SECOND)
    assert "validation.*: each run's last validation, not its best one" in answer.out
