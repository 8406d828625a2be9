import json
import math

import numpy as np
import pytest

from recwatch.training.figures import (
    as_columns,
    as_json,
    as_number,
    cross_validate,
    improvement,
    named,
    pick,
    without_columns,
)


def test_columns_hold_the_known_metrics_and_the_improvement() -> None:
    metrics = {"recall@10": 0.15, "RMSE": 0.9, "coverage": 0.4, "fcp": 0.6}
    assert as_columns(metrics, {"recall@10": 0.1, "ndcg@10": 0.2}) == {
        "recall_at_10": 0.15,
        "rmse": 0.9,
        "coverage": 0.4,
        "baseline_recall_at_10": 0.1,
        "improvement_pct": pytest.approx(50.0),
    }
    assert without_columns(metrics) == {"fcp": 0.6}


@pytest.mark.parametrize(
    ("metrics", "baseline", "percent"),
    [
        ({"recall@10": 0.2, "rmse": 2.0}, {"recall@10": 0.1, "rmse": 1.0}, 100.0),
        ({"ndcg@10": 0.15}, {"ndcg@10": 0.2, "recall@10": 0.1}, -25.0),
        ({"rmse": 0.9, "mae": 2.0}, {"rmse": 1.0, "mae": 1.0}, 10.0),
        ({"MAE": 0.6}, {"mae": 0.8}, 25.0),
        ({"recall@10": 0.1}, {"recall@10": 0.0}, None),
        ({"recall@10": 0.1}, {"ndcg@10": 0.1}, None),
        ({}, {}, None),
    ],
)
def test_improvement(metrics: dict[str, float], baseline: dict[str, float], percent: float | None) -> None:
    assert improvement(metrics, baseline) == (None if percent is None else pytest.approx(percent))
    assert ("improvement_pct" in as_columns(metrics, baseline)) == (percent is not None)


def test_of_several_cut_offs_ten_is_picked() -> None:
    assert pick({"recall@20": 0.3, "recall@10": 0.2}, "recall") == 0.2
    assert pick({"recall@20": 0.3}, "recall") == 0.3
    assert pick({"recall@20": 0.3}, "ndcg") is None


def test_folds_are_summed_up_as_numpy_does() -> None:
    values = [0.912, 0.905, 0.931, 0.899]
    found = cross_validate({"rmse": values})
    assert found.folds == 4
    assert found.mean == {"rmse": pytest.approx(np.mean(values))}
    assert found.std == {"rmse": pytest.approx(np.std(values))}


def test_of_a_library_s_result_the_times_are_left_out() -> None:
    found = cross_validate(
        {"test_rmse": np.array([1.0, 2.0]), "train_rmse": [0.5, 0.5], "fit_time": (3, 4), "test_time": (1, 1)}  # type: ignore[dict-item]
    )
    assert found.mean == {"rmse": 1.5, "train_rmse": 0.5}


@pytest.mark.parametrize("results", [{}, {"rmse": []}, {"rmse": [1.0], "mae": [1.0, 2.0]}])
def test_folds_that_do_not_fit_are_refused(results: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match="one value a fold"):
        cross_validate(results)


def test_json_has_no_nan() -> None:
    text = as_json({"a": math.nan, "b": {"c": [math.inf, 1.5]}, "d": object})
    assert text is not None
    assert json.loads(text) == {"a": None, "b": {"c": [None, 1.5]}, "d": "<class 'object'>"}
    assert as_json({}) is None


def test_json_has_numbers_of_numpy_as_numbers() -> None:
    text = as_json(
        {"factors": np.int64(64), "reg": np.float32(0.5), "on": np.float64(1.0) > 0, "bad": np.float64("nan")}
    )
    assert json.loads(text or "") == {"factors": 64, "reg": 0.5, "on": True, "bad": None}


def test_json_is_written_of_anything() -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    circle: dict[object, object] = {1: Mute()}
    circle["self"] = [circle]
    assert json.loads(as_json({"a": circle}) or "") == {
        "a": {"1": "<Mute that cannot be shown>", "self": ["..."]}
    }


def test_metrics_are_picked_in_any_case() -> None:
    assert pick({"Recall@20": 0.3, "RECALL@10": 0.2}, "recall") == 0.2
    assert pick({"NDCG": math.nan}, "ndcg") is None


def test_what_is_not_finite_has_no_value_in_a_column() -> None:
    assert as_columns({"recall@10": math.nan}, {"recall@10": 0.1}) == {
        "recall_at_10": None,
        "baseline_recall_at_10": 0.1,
    }


def test_a_metric_that_is_called_folds_is_not_the_number_of_folds() -> None:
    found = cross_validate({"folds": [1.0, 3.0]})
    assert (found.folds, found.mean) == (2, {"folds_": 2.0})


def test_what_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="loss='abc' is not a number"):
        as_number("loss", "abc")
    with pytest.raises(ValueError, match="ndcg@10=None is not a number"):
        named({"ndcg@10": None})
