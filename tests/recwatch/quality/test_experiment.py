from datetime import UTC, datetime
from typing import Any

import pytest

from recwatch.errors import QualityError
from recwatch.quality import Classification, Experiment, Regression
from recwatch.quality.experiment import ASSIGNED, Tally, compare
from recwatch.quality.moments import Moments
from recwatch.quality.records import Prediction

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
USUAL: dict[str, Any] = {
    "name": "rerank",
    "shares": {"control": 0.5, "rerank": 0.5},
    "control": "control",
    "began": BEGAN,
}


def prediction(variant: str, after: float = 1.0) -> Prediction:
    return Prediction("p", BEGAN.timestamp() + after, variant)


def test_only_its_own_arms_from_its_beginning_on_are_counted() -> None:
    tally = Tally(Experiment(**USUAL), Classification())
    for variant, after in (("rerank", 1.0), ("rerank", -1.0), ("other", 1.0), ("control", 0.0)):
        tally.predicted(prediction(variant, after))
        tally.joined(prediction(variant, after), (0.9, 1.0, 1.0))
    assert tally.totals == {
        ("rerank", ASSIGNED): Moments(1, 1.0, 0.0),
        ("control", ASSIGNED): Moments(1, 1.0, 0.0),
        ("rerank", "accuracy"): Moments(1, 1.0, 0.0),
        ("control", "accuracy"): Moments(1, 1.0, 0.0),
    }


def test_what_says_nothing_is_left_out() -> None:
    tally = Tally(Experiment(**USUAL), Regression())
    tally.joined(prediction("rerank"), (float("nan"), 1.0))
    assert ("rerank", "mae") not in tally.totals


def test_without_an_experiment_nothing_is_counted() -> None:
    tally = Tally(None, Classification())
    tally.predicted(prediction("default"))
    assert tally.totals == {}


def test_arms_are_compared_with_the_control() -> None:
    totals = {
        ("control", "accuracy"): Moments(5_000, 0.7, 5_000 * 0.21),
        ("rerank", "accuracy"): Moments(5_000, 0.8, 5_000 * 0.16),
        ("control", ASSIGNED): Moments(6_000, 1.0, 0.0),
        ("rerank", ASSIGNED): Moments(4_000, 1.0, 0.0),
    }
    found = compare(Experiment(**USUAL), ("accuracy",), totals)
    control, rerank = found.arms["control", "accuracy"], found.arms["rerank", "accuracy"]
    assert (control.value, control.samples, control.difference) == (0.7, 5_000, None)
    assert rerank.difference is not None
    assert rerank.difference.value == pytest.approx(0.1)
    assert 0 < rerank.difference.low < 0.1 < rerank.difference.high
    assert rerank.difference.p_value < 1e-6
    assert found.assigned == {"control": 6_000, "rerank": 4_000}
    assert found.sample_ratio_p_value is not None
    assert found.sample_ratio_p_value < 1e-9


def test_too_few_samples_are_not_compared() -> None:
    totals = {
        ("control", "accuracy"): Moments(5_000, 0.7, 5_000 * 0.21),
        ("rerank", "accuracy"): Moments(99, 0.8, 99 * 0.16),
    }
    found = compare(Experiment(**USUAL), ("accuracy",), totals)
    assert found.arms["rerank", "accuracy"] == (0.8, 99, None)
    assert found.sample_ratio_p_value is None


def test_an_arm_without_samples_has_no_value() -> None:
    assert compare(Experiment(**USUAL), ("accuracy",), {}).arms["rerank", "accuracy"] == (None, 0, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "an experiment's name must be"),
        ({"shares": {"control": 1.0}}, "two arms or more"),
        ({"shares": {"control": 0.5, "rerank": 0.6}}, "sum to 1"),
        ({"shares": {"control": 1.0, "rerank": 0.0}}, "each above 0"),
        ({"shares": {"control": 0.5, "rerank": float("nan")}}, "the share of rerank must be a finite number"),
        ({"control": "nobody"}, "control must be one of"),
        ({"began": datetime(2026, 11, 1)}, "began must be an aware datetime"),  # noqa: DTZ001
        ({"alpha": 1.0}, "alpha must lie"),
        ({"min_samples": 1}, "min_samples must be at least 2"),
    ],
)
def test_settings_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(QualityError, match=message):
        Experiment(**{**USUAL, **change})


def test_arms_are_compared_by_means_alone() -> None:
    assert Experiment(**USUAL).metrics_of(Regression()) == ("mae", "mse", "within_tolerance")
    with pytest.raises(QualityError, match="compared by accuracy; not by"):
        Experiment(**USUAL, metrics=("auc",)).metrics_of(Classification())
