import numpy as np
import pytest

from recwatch.errors import QualityError
from recwatch.quality import Suggestions
from recwatch.quality.records import Feedback, Prediction

NAN = float("nan")


def test_acceptance_counts_suggestions_and_engagement_units() -> None:
    rows = np.array([[1.0, 10], [0, 10], [0, 11], [1, 12], [1, NAN]])
    assert Suggestions().evaluate(rows) == {"acceptance_rate": (0.6, 5), "engagement_rate": (2 / 3, 3)}


def test_engagement_is_absent_without_units() -> None:
    assert Suggestions().evaluate(np.array([[1.0, NAN]])) == {"acceptance_rate": (1.0, 1)}


def test_no_rows_have_no_metrics() -> None:
    assert Suggestions().evaluate(np.empty((0, 2))) == {}


def test_a_row_is_the_answer_and_the_unit() -> None:
    feedback = Feedback("s", 1.0, 1.0)
    assert Suggestions().row(Prediction("s", 0.0, "default", unit=5), feedback) == (1.0, 5.0)
    assert np.isnan(Suggestions().row(Prediction("s", 0.0, "default"), feedback)[1])


def test_no_answer_is_no() -> None:
    assert Suggestions().unlabelled == (0.0, ())


def test_a_prediction_may_be_empty_but_has_no_items() -> None:
    assert Suggestions().check_prediction(None, 4.5, None) == (None, 4.5, ())
    with pytest.raises(QualityError, match="Ranking"):
        Suggestions().check_prediction(None, None, [1])


def test_an_answer_is_yes_or_no() -> None:
    assert Suggestions().check_label(np.True_) == (1.0, ())
    with pytest.raises(QualityError, match="label must be 1"):
        Suggestions().check_label(5)


def test_arms_are_compared_by_acceptance() -> None:
    assert Suggestions().observe((1.0, NAN), "acceptance_rate") == 1.0
