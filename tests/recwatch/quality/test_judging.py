import pytest

from recwatch.errors import QualityError
from recwatch.quality import Better, Classification, Measured, Regression
from recwatch.quality.judging import Verdict, check_baseline, is_degraded, judge


@pytest.mark.parametrize(
    ("value", "baseline", "better", "degraded"),
    [
        (0.76, 0.8, Better.HIGHER, False),
        (0.7599, 0.8, Better.HIGHER, True),
        (0.9, 0.8, Better.HIGHER, False),
        (0.84, 0.8, Better.LOWER, False),
        (0.8401, 0.8, Better.LOWER, True),
        (0.1, 0.8, Better.LOWER, False),
        (-0.53, -0.5, Better.HIGHER, True),
        (-0.52, -0.5, Better.HIGHER, False),
        (0.0, 0.0, Better.LOWER, False),
        (0.1, 0.0, Better.LOWER, True),
        (9.0, 1.0, Better.NEITHER, None),
    ],
)
def test_worse_means_by_more_than_the_drop(
    value: float, baseline: float, better: Better, degraded: object
) -> None:
    assert is_degraded(value, baseline, better, 0.05) is degraded


def test_a_metric_on_too_few_samples_has_no_value_and_no_verdict() -> None:
    found = {"accuracy": Measured(0.5, 100), "precision": Measured(0.1, 9)}
    verdicts = judge(found, Classification(), {"accuracy": 0.8, "precision": 0.8}, drop=0.05, min_samples=10)
    assert verdicts["accuracy"] == Verdict(0.5, 100, 0.8, degraded=True)
    assert verdicts["precision"] == Verdict(None, 9, 0.8, degraded=None)
    assert verdicts["auc"] == Verdict(None, 0, None, degraded=None)


def test_a_metric_without_a_baseline_has_no_verdict() -> None:
    verdicts = judge({"mae": Measured(0.5, 100)}, Regression(), {}, drop=0.05, min_samples=10)
    assert verdicts["mae"] == Verdict(0.5, 100, None, degraded=None)


def test_a_baseline_names_metrics_that_there_are() -> None:
    assert check_baseline({"f1": 1}, Classification()) == {"f1": 1.0}
    with pytest.raises(
        QualityError, match=r"\['f1_score'\]; the metrics are accuracy, precision, recall, f1, auc"
    ):
        check_baseline({"f1_score": 0.8}, Classification())
    with pytest.raises(QualityError, match="the baseline of f1 must be a finite number"):
        check_baseline({"f1": float("nan")}, Classification())
