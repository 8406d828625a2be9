import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from recwatch.errors import QualityError
from recwatch.quality import Better, Regression
from recwatch.quality.regression import correlation

Number = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(Number, Number), min_size=1, max_size=40))
def test_errors_and_means_are_those_of_scikit_learn_and_numpy(sample: list[tuple[float, float]]) -> None:
    rows = np.array(sample)
    predicted, actual = rows.T
    found = Regression(tolerance=0.5).evaluate(rows)
    assert found["mae"].value == pytest.approx(
        reference.mean_absolute_error(actual, predicted), rel=1e-9, abs=1e-9
    )
    assert found["rmse"].value == pytest.approx(
        reference.root_mean_squared_error(actual, predicted), rel=1e-9, abs=1e-9
    )
    assert found["within_tolerance"].value == np.mean(np.abs(predicted - actual) <= 0.5)
    assert found["predicted_mean"].value == pytest.approx(np.mean(predicted), rel=1e-9, abs=1e-9)
    assert found["actual_mean"].value == pytest.approx(np.mean(actual), rel=1e-9, abs=1e-9)
    assert found["bias"].value == pytest.approx(np.mean(predicted) - np.mean(actual), rel=1e-6, abs=1e-6)


def test_correlation_is_that_of_numpy() -> None:
    rng = np.random.default_rng(3)
    predicted = rng.normal(3, 1, 1_000)
    actual = predicted + rng.normal(0, 1, 1_000)
    assert correlation(predicted, actual) == pytest.approx(np.corrcoef(predicted, actual)[0, 1], abs=1e-12)
    assert correlation(predicted, predicted) == pytest.approx(1.0)
    assert correlation(predicted, -predicted) == pytest.approx(-1.0)


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), max_size=20))
def test_correlation_is_a_finite_number_or_none(sample: list[tuple[float, float]]) -> None:
    rows = np.array(sample).reshape(-1, 2)
    value = correlation(rows[:, 0], rows[:, 1])
    assert value is None or -1 <= value <= 1


def test_correlation_is_absent_where_a_side_does_not_vary() -> None:
    found = Regression().evaluate(np.array([[3.0, 1.0], [3.0, 5.0]]))
    assert "correlation" not in found
    assert found["mae"] == (2.0, 2)


def test_an_error_that_no_float_holds_is_absent() -> None:
    found = Regression().evaluate(np.array([[1e300, -1e300]]))
    assert "rmse" not in found
    assert found["mae"].value == 2e300


def test_no_rows_have_no_metrics() -> None:
    assert Regression().evaluate(np.empty((0, 2))) == {}


def test_low_errors_are_good_and_means_are_neither() -> None:
    metrics = Regression().metrics
    assert (metrics["mae"], metrics["rmse"]) == (Better.LOWER, Better.LOWER)
    assert (metrics["correlation"], metrics["bias"]) == (Better.HIGHER, Better.NEITHER)


def test_arms_are_compared_by_errors() -> None:
    task = Regression(tolerance=1.0)
    row = (3.0, 5.0)
    assert [task.observe(row, name) for name in task.averaged] == [2.0, 4.0, 0.0]


def test_a_score_will_do_for_a_number() -> None:
    assert Regression().check_prediction(4.5, None, None) == (4.5, 4.5, ())
    assert Regression().check_prediction(None, 4.5, None) == (None, 4.5, ())


@pytest.mark.parametrize("values", [(None, None, None), (None, math.inf, None), (None, 1.0, [1])])
def test_what_is_no_number_is_refused(values: tuple[object, object, object]) -> None:
    with pytest.raises(QualityError):
        Regression().check_prediction(*values)


def test_a_tolerance_below_zero_is_refused() -> None:
    with pytest.raises(QualityError, match="tolerance must be 0 or more"):
        Regression(tolerance=-1)
