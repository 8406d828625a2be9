"""The promotion gate: is a candidate good enough to replace the version in service? Pure functions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recwatch_bridge.retraining.result import Result

RESAMPLES = 2_000
CONFIDENCE = 0.95
_CHUNK = 2_000_000
"""Most indices drawn at once: 16 MB, however many users there are."""
_UNITS = 5_000
"""Most units to draw from: more pairs are bundled, so that the time does not grow with them."""

_Numbers = tuple[float | None, float | None, float | None]
_NONE: _Numbers = (None, None, None)

Kind = Literal["ratio", "at_most", "at_least"]


@dataclass(frozen=True)
class Rule:
    """A demand on one metric.

    Attributes:
        kind: `ratio`: candidate / serving is at least the limit (higher is better);
            `at_most`: candidate / serving is at most the limit (lower is better);
            `at_least`: the candidate's own value is at least the limit.
        limit: the ratio or value.
    """

    kind: Kind
    limit: float


@dataclass(frozen=True)
class Check:
    """How one rule turned out; `value` stands against `limit`, `low` and `high` are its interval if known."""

    metric: str
    kind: Kind
    limit: float
    passed: bool
    reason: str
    candidate: float | None = None
    serving: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class GateDecision:
    """Whether the candidate passes, why in a sentence, and each rule's numbers."""

    passed: bool
    summary: str
    samples: int
    min_samples: int
    checks: tuple[Check, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; numbers that JSON cannot hold become None."""
        checks = [{name: _finite(value) for name, value in asdict(check).items()} for check in self.checks]
        return asdict(self) | {"checks": checks}


def rule(kinds: Mapping[Kind, float | None]) -> Rule:
    """Build a rule from the limits by kind, of which one is set."""
    return next(Rule(kind, limit) for kind, limit in kinds.items() if limit is not None)


def evaluate(
    rules: Mapping[str, Rule],
    result: Result,
    *,
    min_samples: int,
    in_service: str | None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> GateDecision:
    """Judge a candidate by every rule.

    Args:
        rules: by metric.
        result: the trainer's.
        min_samples: fewer samples (or pairs, where a rule uses them) are refused: they tell nothing.
        in_service: the version that the candidate would replace. With one, a result without
            `serving_metrics` passes no rule that compares; without one (None), each of those passes, and
            what the result compares with is left out.
        resamples: of the bootstrap.
        seed: of the bootstrap, so that the same file gives the same decision.
    """
    checks = tuple(
        _check(metric, rule, result, in_service=in_service, resamples=resamples, seed=seed)
        for metric, rule in rules.items()
    )
    used = [len(result.pairs[metric]) for metric in rules if result.pairs.get(metric)]
    samples = min([result.samples, *used]) if in_service else result.samples
    if samples < min_samples:
        reason = f"{samples} samples are too few to judge by: min_samples is {min_samples}"
        return GateDecision(False, reason, samples, min_samples, checks)  # noqa: FBT003 - a field, not a switch
    failed = [check.reason for check in checks if not check.passed]
    passed = [check.reason for check in checks] or ["no rules"]
    return GateDecision(not failed, "; ".join(failed or passed), samples, min_samples, checks)


def ratio_interval(
    pairs: NDArray[np.float64], *, resamples: int = RESAMPLES, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[float, float]:
    """Bootstrap the ratio of two means over paired samples.

    Samples (users) are drawn with replacement, both values of one together, so that what users have in common
    cancels out. The interval is the percentile interval of Efron and Tibshirani, An Introduction to the
    Bootstrap (1993), chapter 13.

    Of more than 5,000 pairs, random bundles of equal size are drawn instead: as pairs are independent, the
    mean of resampled bundles spreads as that of resampled pairs does.

    Args:
        pairs: shape (n, 2): the candidate's and the serving version's value for each sample.
        resamples: how many times.
        confidence: coverage of the interval, such as 0.95.
        seed: of the generator.

    Returns:
        Lower and upper end; infinite where the serving version's mean is 0 in the resample.
    """
    generator = np.random.default_rng(seed)
    if len(pairs) > _UNITS:
        pairs = _bundled(pairs, generator)
    count = len(pairs)
    rows = max(1, _CHUNK // count)
    ratios = np.empty(resamples)
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        means = pairs[generator.integers(0, count, size=(stop - start, count))].mean(axis=1)
        ratios[start:stop] = [ratio(candidate, serving) for candidate, serving in means]
    tail = (1 - confidence) / 2
    # No interpolation: between a number and an infinity it would give NaN.
    low, high = np.quantile(ratios, (tail, 1 - tail), method="inverted_cdf")
    return float(low), float(high)


def _bundled(pairs: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """Return sums over random bundles; their sizes differ by one at most, which a ratio of sums cancels."""
    starts = np.arange(_UNITS) * len(pairs) // _UNITS
    sums: NDArray[np.float64] = np.add.reduceat(generator.permutation(pairs), starts)
    return sums


def ratio(candidate: float, serving: float) -> float:
    """Return candidate / serving; equal zeros give 1, anything over zero is infinite."""
    if serving == 0:
        return 1.0 if candidate == 0 else math.inf
    return float(candidate / serving)


def _check(
    metric: str, rule: Rule, result: Result, *, in_service: str | None, resamples: int, seed: int
) -> Check:
    numbers: _Numbers = _NONE
    candidate = result.metrics.get(metric)
    pairs = result.pairs.get(metric)
    serving = None
    if in_service is not None and result.serving_metrics is not None:
        serving = result.serving_metrics.get(metric)
    if candidate is None or not math.isfinite(candidate):
        passed, reason = False, f"{metric}: the trainer reported no finite value"
    elif rule.kind == "at_least":
        passed = candidate >= rule.limit
        sign = "at least" if passed else "below"
        reason, numbers = f"{metric} {candidate:.4g} is {sign} {rule.limit:g}", (candidate, None, None)
    elif in_service is None:
        passed, reason = True, f"{metric} {candidate:.4g}: no version in service to compare with"
        if result.serving_metrics is not None:
            reason += "; the result's serving_metrics are left out"
    elif result.serving_metrics is None:
        missing = "the trainer's result has no serving_metrics to compare with"
        passed, reason = False, f"{metric}: {in_service} is in service, but {missing}"
    elif serving is None or not math.isfinite(serving):
        reason = f"{metric}: no finite value of the version in service to compare with"
        passed = False
    elif candidate < 0 or serving < 0:
        reason = f"{metric}: a ratio of negative values means nothing; use at_least"
        passed = False
    elif _is_zero(candidate, serving, pairs):
        nothing = "nothing can be compared with it; see what the evaluation does"
        passed, reason = False, f"{metric} of the version in service is 0: {nothing}"
    else:
        value = ratio(candidate, serving)
        interval = _interval(pairs, resamples, seed)
        low, high = interval or (value, value)
        passed = high >= rule.limit if rule.kind == "ratio" else low <= rule.limit
        reason = _sentence(metric, rule, value, interval, passed=passed)
        numbers = (value, *interval) if interval else (value, None, None)
    return Check(metric, rule.kind, rule.limit, passed, reason, candidate, serving, *numbers)


def _is_zero(candidate: float, serving: float, pairs: Sequence[tuple[float, float]] | None) -> bool:
    """Whether the version in service reaches nothing, or as good as nothing, that a ratio could be of."""
    by_pairs = bool(pairs) and not any(value for _, value in pairs or ())
    return serving == 0 or by_pairs or math.isinf(candidate / serving)


def _interval(
    pairs: Sequence[tuple[float, float]] | None, resamples: int, seed: int
) -> tuple[float, float] | None:
    if not pairs:
        return None
    return ratio_interval(np.asarray(pairs, dtype=np.float64), resamples=resamples, seed=seed)


def _sentence(
    metric: str, rule: Rule, value: float, interval: tuple[float, float] | None, *, passed: bool
) -> str:
    higher_is_better = rule.kind == "ratio"
    bound = "at least" if higher_is_better else "at most"
    told = f" (95 % interval {interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    found = f"{metric} is {value:.3f} of the version in service{told}"
    if not passed:
        return f"{found}, but must be {bound} {rule.limit:g}"
    if value >= rule.limit if higher_is_better else value <= rule.limit:
        return f"{found}, as asked {bound} {rule.limit:g}"
    side = "below" if higher_is_better else "above"
    return f"{found}: the interval does not show that it is {side} the {rule.limit:g} asked for"


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
