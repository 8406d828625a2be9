"""Exact numbers of seeded decisions, and scipy's bootstrap as the reference."""

import json
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from recwatch_bridge.retraining.gate import Kind, Rule, evaluate, ratio, ratio_interval
from recwatch_bridge.retraining.result import Result

RATIO = {"ndcg@10": Rule("ratio", 0.95)}
NOTHING = (
    "ndcg@10 of the version in service is 0: nothing can be compared with it; see what the evaluation does"
)

judged = partial(evaluate, in_service="v1")


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
        (0.0, 0.2, False, "ndcg@10 is 0.000 of the version in service, but must be at least 0.95"),
        (0.0, 0.0, False, NOTHING),
        (0.1, 0.0, False, NOTHING),
        (0.1, 5e-324, False, NOTHING),
        (math.nan, 0.2, False, "ndcg@10: the trainer reported no finite value"),
        (0.1, math.inf, False, "ndcg@10: no finite value of the version in service to compare with"),
        (0.1, -0.1, False, "ndcg@10: a ratio of negative values means nothing; use at_least"),
    ],
)
def test_point_values(candidate: float, serving: float | None, passed: bool, summary: str) -> None:  # noqa: FBT001
    decision = judged(RATIO, result(candidate, serving), min_samples=100)
    assert (decision.passed, decision.summary) == (passed, summary)
    json.dumps(decision.to_dict(), allow_nan=False)


def test_without_a_version_in_service_there_is_nothing_to_compare_with() -> None:
    told = "ndcg@10 0.1: no version in service to compare with"
    decision = evaluate(RATIO, result(0.1, None), min_samples=100, in_service=None)
    assert (decision.passed, decision.summary) == (True, told)
    for serving in (0.2, 0.0):
        compared = result(0.1, serving, pairs={"ndcg@10": users(0.5, 50)})
        decision = evaluate(RATIO, compared, min_samples=100, in_service=None)
        left_out = "; the result's serving_metrics are left out"
        assert (decision.passed, decision.samples, decision.summary) == (True, 500, told + left_out)
        [check] = decision.checks
        assert (check.candidate, check.serving, check.value, check.low) == (0.1, None, None, None)


@pytest.mark.parametrize("kind", ["ratio", "at_most"])
def test_pairs_of_nothing_but_zeros_pass_no_ratio(kind: Kind) -> None:
    rules = {"ndcg@10": Rule(kind, 1.0)}
    for candidate in (0.0, 0.3):
        compared = result(candidate, 0.2, pairs={"ndcg@10": [(candidate, 0.0)] * 200})
        decision = judged(rules, compared, min_samples=100)
        assert (decision.passed, decision.summary) == (False, NOTHING)


def test_lower_is_better() -> None:
    rules = {"ndcg@10": Rule("at_most", 1.05)}
    assert judged(rules, result(0.84, 0.80), min_samples=0).passed
    assert not judged(rules, result(0.85, 0.80), min_samples=0).passed


def test_absolute_value() -> None:
    rules = {"ndcg@10": Rule("at_least", 0.1)}
    assert judged(rules, result(0.1, None), min_samples=0).summary == "ndcg@10 0.1 is at least 0.1"
    assert judged(rules, result(0.05, 0.01), min_samples=0).summary == "ndcg@10 0.05 is below 0.1"


def test_every_rule_must_hold() -> None:
    rules = {**RATIO, "coverage": Rule("at_least", 0.2)}
    decision = judged(rules, result(0.2, 0.2), min_samples=0)
    assert not decision.passed
    assert decision.summary == "coverage: the trainer reported no finite value"


def test_too_few_samples_are_refused() -> None:
    decision = judged(RATIO, result(0.3, 0.1, samples=99), min_samples=100)
    assert not decision.passed
    assert decision.summary == "99 samples are too few to judge by: min_samples is 100"


def test_too_few_pairs_are_refused() -> None:
    decision = judged(RATIO, result(0.3, 0.1, pairs={"ndcg@10": users(1.0, 40)}), min_samples=50)
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
    decision = judged(RATIO, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50)
    [check] = decision.checks
    assert check.low is not None
    assert check.high is not None
    assert (f"{check.low:.3f}", f"{check.high:.3f}") == interval
    assert decision.passed is passed
    assert f"(95 % interval {interval[0]} to {interval[1]})" in decision.summary


def test_a_value_on_the_wrong_side_that_may_be_chance_is_told_as_such() -> None:
    pairs = users(0.92, 60)
    candidate, serving = np.mean(pairs, axis=0)
    told = judged(RATIO, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50).summary
    assert told.endswith(": the interval does not show that it is below the 0.95 asked for")
    rules = {"ndcg@10": Rule("at_most", 0.85)}
    told = judged(rules, result(candidate, serving, pairs={"ndcg@10": pairs}), min_samples=50).summary
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


def test_interval_of_many_pairs_is_that_of_the_normal_approximation() -> None:
    pairs = np.asarray(users(0.97, 100_003))
    candidate, serving = pairs.mean(axis=0)
    centre = candidate / serving
    # The delta method: no bootstrap is needed where so many pairs make the ratio normal.
    spread = (pairs[:, 0] - centre * pairs[:, 1]).std() / serving / math.sqrt(len(pairs))
    low, high = ratio_interval(pairs)
    width = 2 * 1.96 * spread
    assert abs(low - (centre - width / 2)) < width / 10
    assert abs(high - (centre + width / 2)) < width / 10


def test_the_work_does_not_grow_with_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    make = np.random.default_rng

    class Counting:
        def __init__(self, seed: int) -> None:
            self._generator = make(seed)

        def permutation(self, pairs: NDArray[np.float64]) -> NDArray[np.float64]:
            return self._generator.permutation(pairs)

        def integers(self, low: int, high: int, size: tuple[int, int]) -> NDArray[np.int64]:
            drawn.append(size[0] * size[1])
            return self._generator.integers(low, high, size=size)

    pairs = np.asarray(users(0.97, 20_000))
    monkeypatch.setattr(np.random, "default_rng", Counting)
    ratio_interval(pairs)
    assert sum(drawn) == 2_000 * 5_000


def test_interval_of_equals_is_one() -> None:
    values = np.random.default_rng(0).random(50)
    assert ratio_interval(np.column_stack([values, values])) == (1.0, 1.0)


def test_interval_does_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = np.asarray(users(0.97, 100))
    whole = ratio_interval(pairs)
    monkeypatch.setattr("recwatch_bridge.retraining.gate._CHUNK", 1000)
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
    decision = judged(rules, result(0.3, None), min_samples=0)
    assert (decision.passed, decision.summary) == (
        False,
        "ndcg@10: v1 is in service, but the trainer's result has no serving_metrics to compare with",
    )
    absolute = {"ndcg@10": Rule("at_least", 0.1)}
    assert judged(absolute, result(0.3, None), min_samples=0).passed
