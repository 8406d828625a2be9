"""Exact numbers of seeded decisions, and scipy's bootstrap as the reference."""

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from recwatch_bridge.gate import Rule, evaluate, ratio, ratio_interval
from recwatch_bridge.result import Result

RATIO = {"ndcg@10": Rule("ratio", 0.95)}


def result(candidate: float, serving: float | None, **more: Any) -> Result:
    serving_metrics = None if serving is None else {"ndcg@10": serving}
    values = {
        "version": "v2",
        "metrics": {"ndcg@10": candidate},
        "serving_metrics": serving_metrics,
        "samples": 500,
    }
    return Result.model_validate(values | more)


def users(effect: float, count: int, seed: int = 0) -> list[tuple[float, float]]:
    """Per-user values of two models that share most of what makes users different."""
    generator = np.random.default_rng(seed)
    serving = generator.gamma(0.5, 0.14, size=count)
    candidate = serving * effect * generator.gamma(16.0, 1 / 16, size=count)
    return list(zip(candidate.tolist(), serving.tolist(), strict=True))


@pytest.mark.parametrize(
    ("candidate", "serving", "passed", "summary"),
    [
        (0.19, 0.20, True, "ndcg@10 is 0.950 of the version in service, as asked at least 0.95"),
        (0.18, 0.20, False, "ndcg@10 is 0.900 of the version in service, but must be at least 0.95"),
        (0.0, 0.0, True, "ndcg@10 is 1.000 of the version in service, as asked at least 0.95"),
        (0.1, 0.0, True, "ndcg@10 is inf of the version in service, as asked at least 0.95"),
        (0.1, None, True, "ndcg@10 0.1: no version in service to compare with"),
        (math.nan, 0.2, False, "ndcg@10: the trainer reported no finite value"),
        (0.1, math.inf, False, "ndcg@10: no finite value of the version in service to compare with"),
        (0.1, -0.1, False, "ndcg@10: a ratio of negative values means nothing; use at_least"),
    ],
)
def test_point_values(candidate: float, serving: float | None, passed: bool, summary: str) -> None:  # noqa: FBT001
    decision = evaluate(RATIO, result(candidate, serving), min_samples=100)
    assert (decision.passed, decision.summary) == (passed, summary)
    json.dumps(decision.to_dict(), allow_nan=False)


def test_lower_is_better() -> None:
    rules = {"ndcg@10": Rule("at_most", 1.05)}
    assert evaluate(rules, result(0.84, 0.80), min_samples=0).passed
    assert not evaluate(rules, result(0.85, 0.80), min_samples=0).passed


def test_absolute_value() -> None:
    rules = {"ndcg@10": Rule("at_least", 0.1)}
    assert evaluate(rules, result(0.1, None), min_samples=0).summary == "ndcg@10 0.1 is at least 0.1"
    assert evaluate(rules, result(0.05, 0.01), min_samples=0).summary == "ndcg@10 0.05 is below 0.1"


def test_every_rule_must_hold() -> None:
    rules = {**RATIO, "coverage": Rule("at_least", 0.2)}
    decision = evaluate(rules, result(0.2, 0.2), min_samples=0)
    assert not decision.passed
    assert decision.summary == "coverage: the trainer reported no finite value"


def test_too_few_samples_are_refused() -> None:
    decision = evaluate(RATIO, result(0.3, 0.1, samples=99), min_samples=100)
    assert not decision.passed
    assert decision.summary == "99 samples are too few to judge by: min_samples is 100"


def test_too_few_pairs_are_refused() -> None:
    decision = evaluate(RATIO, result(0.3, 0.1, pairs={"ndcg@10": users(1.0, 40)}), min_samples=50)
    assert decision.summary == "40 samples are too few to judge by: min_samples is 50"


@pytest.mark.parametrize(
    ("effect", "count", "passed", "interval"),
    [
        # Clearly worse, and enough users to know.
        (0.85, 600, False, ("0.830", "0.906")),
        # Worse on average, but so few users that it may be chance.
        (0.92, 60, True, ("0.804", "0.969")),
        (1.05, 600, True, ("1.025", "1.120")),
    ],
)
def test_paired_bootstrap(effect: float, count: int, passed: bool, interval: tuple[str, str]) -> None:  # noqa: FBT001
    pairs = users(effect, count)
    candidate, serving = np.mean(pairs, axis=0)
    decision = evaluate(RATIO, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50)
    [check] = decision.checks
    assert check.low is not None
    assert check.high is not None
    assert (f"{check.low:.3f}", f"{check.high:.3f}") == interval
    assert decision.passed is passed
    assert f"(95 % interval {interval[0]} to {interval[1]})" in decision.summary


def test_a_value_on_the_wrong_side_that_may_be_chance_is_told_as_such() -> None:
    pairs = users(0.92, 60)
    candidate, serving = np.mean(pairs, axis=0)
    told = evaluate(RATIO, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50).summary
    assert told.endswith(": the interval does not show that it is below the 0.95 asked for")
    rules = {"ndcg@10": Rule("at_most", 0.85)}
    told = evaluate(rules, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50).summary
    assert told.endswith(": the interval does not show that it is above the 0.85 asked for")


def test_interval_agrees_with_scipy() -> None:
    pairs = np.asarray(users(0.97, 400))
    low, high = ratio_interval(pairs, resamples=4000)
    reference = stats.bootstrap(
        (pairs[:, 0], pairs[:, 1]),
        lambda candidate, serving, axis: candidate.mean(axis=axis) / serving.mean(axis=axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    # Two bootstraps of 4,000 resamples differ by chance only: well under a tenth of the interval's width.
    width = reference.high - reference.low
    assert abs(low - reference.low) < width / 10
    assert abs(high - reference.high) < width / 10


def test_interval_of_equals_is_one() -> None:
    values = np.random.default_rng(0).random(50)
    assert ratio_interval(np.column_stack([values, values])) == (1.0, 1.0)


def test_interval_does_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = np.asarray(users(0.97, 100))
    whole = ratio_interval(pairs)
    monkeypatch.setattr("recwatch_bridge.gate._CHUNK", 1000)
    assert ratio_interval(pairs) == whole


def test_mostly_zero_serving_gives_no_nan() -> None:
    pairs = np.zeros((20, 2))
    pairs[0] = (1.0, 0.0)
    low, high = ratio_interval(pairs)
    assert (low, high) == (1.0, math.inf)


def test_ratio_of_zeros() -> None:
    assert [ratio(0, 0), ratio(1, 0), ratio(1, 2)] == [1.0, math.inf, 0.5]


def test_version_in_service_must_be_compared_with() -> None:
    rules = {"ndcg@10": Rule("at_most", 1.05)}
    decision = evaluate(rules, result(0.3, None), min_samples=0, in_service="v1")
    assert (decision.passed, decision.summary) == (
        False,
        "ndcg@10: v1 is in service, but the trainer's result has no serving_metrics to compare with",
    )
    absolute = {"ndcg@10": Rule("at_least", 0.1)}
    assert evaluate(absolute, result(0.3, None), min_samples=0, in_service="v1").passed
