"""The user-clustered p-value of a KS check, beside a plain loop over permutations and rows."""

import numpy as np

from benchmarks.timing import Row, compare
from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.ks import statistic
from recwatch_exporter.data import SideCounts
from recwatch_exporter.statistics.counts import align
from recwatch_exporter.statistics.permutation import draw_permutations, permutation_test

ROWS, USERS, PERMUTATIONS = 100_000, 2_000, 99
_RATINGS = np.arange(0.5, 5.5, 0.5)


def _plain(users: np.ndarray, ratings: np.ndarray, current: np.ndarray) -> float:
    """What one would write in a notebook: draw the users of one side, take their rows, compare, repeat."""
    rng = np.random.default_rng(0)

    def compared(mask: np.ndarray) -> float:
        sides = [
            np.bincount((side * 2 - 1).astype(np.int64), minlength=10)
            for side in (ratings[~mask], ratings[mask])
        ]
        return float(statistic(sides[0].astype(np.float64), sides[1].astype(np.float64)))

    observed = compared(np.isin(users, current))
    drawn = [
        compared(np.isin(users, rng.choice(USERS, size=len(current), replace=False)))
        for _ in range(PERMUTATIONS)
    ]
    return (1 + sum(value >= observed - 1e-12 for value in drawn)) / (1 + PERMUTATIONS)


def run() -> list[Row]:
    """From counts by user and value, as a source gives them, to the p-value."""
    rng = np.random.default_rng(1)
    users = rng.integers(0, USERS, ROWS)
    ratings = rng.choice(_RATINGS, ROWS)
    current = np.arange(USERS // 2)
    mask = users < USERS // 2

    def side(chosen: np.ndarray) -> SideCounts:
        pairs, counts = np.unique(np.stack([users[chosen], ratings[chosen] * 2]), axis=1, return_counts=True)
        return SideCounts(values=pairs[1] / 2, counts=counts, clusters=pairs[0].astype(np.int64))

    counts = align(side(~mask), side(mask))

    def ours() -> float:
        observed = float(statistic(counts.reference, counts.current))
        draws = draw_permutations(counts, PERMUTATIONS, np.random.default_rng(0))
        return permutation_test(observed, draws, statistic, Direction.HIGH).p_value

    return [
        compare(
            f"clustered p-value, {ROWS:,} rows, {USERS:,} users, {PERMUTATIONS} permutations",
            ours,
            lambda: _plain(users, ratings, current),
            "a plain loop",
            rounds=3,
        )
    ]
