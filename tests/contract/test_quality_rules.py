"""The rules know which way a metric is bad as `recwatch.better` does."""

import re
from typing import Any

import pytest

from recwatch.better import Better, better
from recwatch.quality import Classification, Ranking, Regression, Suggestions

_MATCHERS = re.compile(r'model_variant_difference_(\w+)\{metric=~"([^"]+)", metric!~"([^"]+)"\}')
OF_TASKS = {
    name
    for task in (Classification(threshold=0.5), Regression(), Ranking(k=10), Suggestions())
    for name in task.averaged
}
OTHERS = {
    *(
        "val_rmse",
        "log_loss",
        "logloss",
        "brier",
        "mape",
        "perplexity",
        "deviance",
        "recall@5",
        "map@10",
        "r2",
    ),
    *("ndcg@10_std", "baseline_mae", "n", "samples", "bias", "predicted_mean", "revenue", "mean", "glossary"),
}


@pytest.fixture
def matchers(alerts: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """What the alert looks at where an arm's upper and where its lower bound is on the bad side."""
    (alert,) = [alert for alert in alerts if alert["alert"] == "ExperimentArmHarmful"]
    return {bound: (wanted, unwanted) for bound, wanted, unwanted in _MATCHERS.findall(alert["expr"])}


@pytest.mark.parametrize("name", sorted(OF_TASKS | OTHERS))
def test_an_arm_is_harmful_on_the_side_that_is_bad(name: str, matchers: dict[str, tuple[str, str]]) -> None:
    looked_at = {
        bound
        for bound, (wanted, unwanted) in matchers.items()
        if re.fullmatch(wanted, name) and not re.fullmatch(unwanted, name)
    }

    expected = {Better.HIGHER: {"high"}, Better.LOWER: {"low"}, Better.NEITHER: set()}
    assert matchers.keys() == {"high", "low"}
    assert looked_at == expected[better(name)]


def test_whatever_arms_are_compared_by_has_a_side() -> None:
    assert OF_TASKS
    assert {name for name in OF_TASKS if better(name) is Better.NEITHER} == set()


def test_chance_is_known_of_means_of_values_from_0_to_1(rules: list[dict[str, Any]]) -> None:
    """Their spread has a bound; that of an error has none."""
    (rule,) = [rule for rule in rules if rule.get("record", "").endswith("model_quality:standard_error")]
    (named,) = re.findall(r'metric=~"([^"]+)"', rule["expr"])
    known = {name for name in OF_TASKS if re.fullmatch(named, name)}

    assert known == OF_TASKS - {"mae", "mse"}
