"""Do the tests keep their promise when somebody looks at every step? 400 simulated experiments each, seeded.

At most alpha of all experiments without a difference may ever alarm. A z-test with a fixed horizon, looked at
the same way, alarms in several times as many: the simulation would find it out.
"""

import math

import numpy as np
import numpy.typing as npt
import pytest

from recwatch.quality.moments import Moments
from recwatch.quality.sample_ratio import sample_ratio_p_value
from recwatch.quality.sequential import difference

ALPHA, EXPERIMENTS, STEPS, MIN_SAMPLES = 0.05, 400, 1_000, 50
# Were the true share of false alarms just alpha, 3 standard deviations above it would be this many.
MOST_BY_CHANCE = ALPHA * EXPERIMENTS + 3 * math.sqrt(EXPERIMENTS * ALPHA * (1 - ALPHA))

# A test of a small arm: its own looks alone, since what the other adds between them changes next to nothing.
LONG = 20_000

Looks = list[tuple[Moments, Moments]]


def looks(
    values: npt.NDArray[np.float64], treated: npt.NDArray[np.bool_], at: npt.NDArray[np.bool_] | None = None
) -> Looks:
    """The moments of both arms after each step that both have samples enough at, or those of them in `at`."""
    arms = []
    for mask in (treated, ~treated):
        samples = np.cumsum(mask)
        total, squares = np.cumsum(values * mask), np.cumsum(values**2 * mask)
        mean = total / np.maximum(samples, 1)
        arms.append((samples, mean, np.maximum(squares - samples * mean**2, 0)))
    enough = np.minimum(arms[0][0], arms[1][0]) >= MIN_SAMPLES
    looked = np.flatnonzero(enough if at is None else enough & at)
    one, other = ([Moments(*map(float, row)) for row in np.stack(arm, 1)[looked]] for arm in arms)  # type: ignore[arg-type]
    return list(zip(one, other, strict=True))


def ours(seen: Looks) -> bool:
    found = (difference(one, other, alpha=ALPHA, sharpest_at=STEPS) for one, other in seen)
    return any(each is not None and each.p_value <= ALPHA for each in found)


def fixed_horizon(seen: Looks) -> bool:
    """The z-test that holds for one look, looked at every time."""
    for one, other in seen:
        variance = one.variance / one.samples + other.variance / other.samples
        if variance > 0 and (one.mean - other.mean) ** 2 / variance >= 1.96**2:
            return True
    return False


def simulate(kind: str, effect: float = 0.0, *, seed: int = 1) -> list[Looks]:
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(EXPERIMENTS):
        treated = rng.random(STEPS) < 0.5
        if kind == "skewed":
            values = rng.exponential(size=STEPS) ** 2 + effect * treated
        else:
            values = (rng.random(STEPS) < float(kind) + effect * treated).astype(np.float64)
        result.append(looks(values, treated))
    return result


@pytest.mark.parametrize("kind", ["0.5", "0.05", "skewed"])
def test_false_alarms_stay_below_alpha_at_every_look_and_the_z_test_s_do_not(kind: str) -> None:
    experiments = simulate(kind)
    assert sum(map(ours, experiments)) <= ALPHA * EXPERIMENTS
    assert sum(map(fixed_horizon, experiments)) > 3 * MOST_BY_CHANCE


def small_arm(kind: str, rate: float, effect: float = 0.0, *, seed: int = 5) -> list[Looks]:
    """One in twenty is treated."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(EXPERIMENTS):
        treated = rng.random(LONG) < 0.05
        values = (rng.random(LONG) < rate + effect * treated).astype(np.float64)
        if kind == "reciprocal rank":
            values /= rng.integers(1, 11, LONG)
        result.append(looks(values, treated, at=treated))
    return result


@pytest.mark.parametrize(
    ("kind", "rate"), [("rate", 0.01), ("rate", 0.02), ("rate", 0.98), ("reciprocal rank", 0.03)]
)
def test_a_small_arm_and_a_rare_outcome_keep_the_promise(kind: str, rate: float) -> None:
    assert sum(map(ours, small_arm(kind, rate))) <= ALPHA * EXPERIMENTS


def test_the_interval_of_a_small_arm_covers_a_difference_of_rare_outcomes() -> None:
    missed = 0
    for seen in small_arm("rate", 0.02, effect=0.02):
        found = [difference(one, other, alpha=ALPHA, sharpest_at=LONG) for one, other in seen]
        missed += any(each is not None and not each.low <= 0.02 <= each.high for each in found)
    assert missed <= ALPHA * EXPERIMENTS


def test_a_real_difference_is_found() -> None:
    assert sum(map(ours, simulate("0.3", effect=0.15))) >= 0.8 * EXPERIMENTS


def test_the_interval_covers_the_difference_at_all_looks_at_once() -> None:
    missed = 0
    for seen in simulate("0.3", effect=0.15, seed=2):
        found = [difference(one, other, alpha=ALPHA, sharpest_at=STEPS) for one, other in seen]
        missed += any(each is not None and not each.low <= 0.15 <= each.high for each in found)
    assert missed <= ALPHA * EXPERIMENTS


def _traffic(share: float, seed: int) -> list[npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return [np.cumsum(rng.random(STEPS) < share) for _ in range(EXPERIMENTS)]


def _ratio_alarms(traffic: list[npt.NDArray[np.int64]]) -> int:
    return sum(
        any(
            sample_ratio_p_value([count, step - count], [0.5, 0.5]) <= ALPHA
            for step, count in enumerate(counts.tolist(), 1)
        )
        for counts in traffic
    )


def test_the_sample_ratio_is_honest_at_every_look_where_the_chi_square_test_is_not() -> None:
    right = _traffic(0.5, seed=3)
    steps = np.arange(1, STEPS + 1)
    chi_square = sum(bool(np.any((2 * counts - steps) ** 2 / steps >= 1.96**2)) for counts in right)
    assert _ratio_alarms(right) <= ALPHA * EXPERIMENTS
    assert chi_square > 3 * MOST_BY_CHANCE
    assert _ratio_alarms(_traffic(0.6, seed=4)) >= 0.9 * EXPERIMENTS
