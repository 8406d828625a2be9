from collections.abc import Callable
from datetime import UTC, datetime

from recwatch.quality import Experiment
from recwatch.quality.experiment import Arm, Comparison
from recwatch.quality.journal import Settings
from recwatch.quality.judging import Verdict
from recwatch.quality.sequential import Difference
from recwatch.quality.status import Report, as_status

AT = datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


def test_a_report_is_said_in_plain_values(make_settings: Callable[..., Settings]) -> None:
    experiment = Experiment("rerank", {"a": 0.5, "b": 0.5}, "a", AT)
    arms = {
        ("a", "accuracy"): Arm(0.7, 200, None),
        ("b", "accuracy"): Arm(0.8, 210, Difference(0.1, 0.02, 0.18, 0.01)),
    }
    report = Report(
        AT,
        410,
        {"accuracy": Verdict(0.75, 410, 0.9, degraded=True)},
        Comparison(arms, {"a": 250, "b": 251}, 0.9),
    )
    status = as_status(make_settings(experiment=experiment), report)
    assert status["evaluated_at"] == "2026-11-21T03:15:00+00:00"
    assert status["metrics"] == {
        "accuracy": {"value": 0.75, "samples": 410, "baseline": 0.9, "degraded": True}
    }
    assert status["degraded"] == ["accuracy"]
    assert status["experiment"] == {
        "name": "rerank",
        "control": "a",
        "assigned": {"a": 250, "b": 251},
        "arms": {
            "a": {"accuracy": {"value": 0.7, "samples": 200, "difference": None}},
            "b": {
                "accuracy": {
                    "value": 0.8,
                    "samples": 210,
                    "difference": {"value": 0.1, "low": 0.02, "high": 0.18, "p_value": 0.01},
                }
            },
        },
        "sample_ratio_p_value": 0.9,
    }


def test_an_experiment_that_was_not_evaluated_has_arms_all_the_same(
    make_settings: Callable[..., Settings],
) -> None:
    experiment = Experiment("rerank", {"a": 0.5, "b": 0.5}, "a", AT)
    assert as_status(make_settings(experiment=experiment), None)["experiment"]["arms"] == {"a": {}, "b": {}}
