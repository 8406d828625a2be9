"""Kolmogorov and Smirnov's distance of ten million floats a side, and p-values that permute whole users."""

import statistics
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
from scipy import stats

from benchmarks.timing import Figure, Row
from recwatch_exporter.checks import ks, spearman
from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.count_type import Compare
from recwatch_exporter.data import SideCounts, Slotted
from recwatch_exporter.statistics.counts import Tally, align
from recwatch_exporter.statistics.grid import edges_at, probabilities
from recwatch_exporter.statistics.permutation import draw_permutations, permutation_test

FLOATS = 10_000_000
ROWS, USERS, PERMUTATIONS = 1_000_000, 20_000, 1_000
PLAIN_PERMUTATIONS = 5  # of minutes of them, which take the same time each
SLOTS = 8  # weeks, against one
ITEMS, CHOICES, WIDE_PERMUTATIONS = 100_000, 5_000_000, 100


def _seconds(*works: Callable[[], object], rounds: int) -> list[float]:
    """The median of each, all in turn, after one round to warm up."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for kept, work in zip(taken, works, strict=True):
            begun = perf_counter()
            work()
            kept.append(perf_counter() - begun)
    return [statistics.median(kept[1:]) for kept in taken]


def _distances() -> list[Row]:
    """Two samples of one distribution: the hardest case, as no point is far above the others."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=FLOATS), rng.normal(size=FLOATS)

    def peer() -> float:
        return float(stats.ks_2samp(first, second, method="asymp").statistic)

    assert abs(ks.distance(first, second) - peer()) < 1e-12
    one, sorting, two, scipy = _seconds(
        lambda: ks.distance(first, second),
        lambda: (np.sort(first), np.sort(second)),
        lambda: ks.distance(first, second, threads=2),
        peer,
        rounds=5,
    )
    name = f"KS of {FLOATS // 10**6} M + {FLOATS // 10**6} M floats"
    return [
        Row(f"{name}, one thread", one, scipy, "scipy.stats.ks_2samp", target=1 / 2.5),
        Row(f"{name}, two threads", two, scipy, "scipy.stats.ks_2samp", target=1 / 4),
        Row(f"{name}, one thread", one, sorting, "sorting both", target=1.3),
    ]


def _counted(users: np.ndarray, values: np.ndarray, width: int) -> Tally:
    """What a source hands over: how often each value occurs with each user."""
    pairs, counts = np.unique(users * width + values, return_counts=True)
    return Tally.of(SideCounts(pairs % width, counts, pairs // width))


def _p_value(
    users: np.ndarray, values: np.ndarray, current: np.ndarray, *, compare: Compare, bad: Direction, n: int
) -> float:
    width = int(values.max()) + 1
    sides = [_counted(users[side], values[side], width) for side in (~current, current)]
    return _compared(sides[0], sides[1], compare=compare, bad=bad, n=n)


def _compared(before: Tally, after: Tally, *, compare: Compare, bad: Direction, n: int) -> float:
    counts = align(before, after)
    bound = partial(compare, counts.values)
    observed = float(bound(counts.reference, counts.current))
    draws = draw_permutations(counts, n, np.random.default_rng(0))
    return permutation_test(observed, draws, bound, bad).p_value


def _plain(users: np.ndarray, values: np.ndarray) -> None:
    """What one would write in a notebook: draw the users of one side, take their rows, compare, repeat."""
    rng = np.random.default_rng(0)
    for _ in range(PLAIN_PERMUTATIONS):
        drawn = np.isin(users, rng.choice(USERS, size=USERS // 2, replace=False))
        stats.ks_2samp(values[drawn], values[~drawn], method="asymp")


def _clustered() -> list[Row | Figure]:
    rng = np.random.default_rng(1)
    users = rng.integers(0, USERS, ROWS)
    current = users < USERS // 2
    tastes = rng.normal(size=USERS)[users] + rng.normal(size=ROWS)
    rows: list[Row | Figure] = []
    for name, numbers in (("ratings", np.clip(np.rint(tastes * 2 + 5), 0, 9)), ("floats", tastes)):

        def ours(numbers: np.ndarray = numbers, name: str = name) -> float:
            cells = numbers.astype(np.int64)
            if name == "floats":
                points = np.quantile(numbers[~current], probabilities(), method="inverted_cdf")
                cells = np.searchsorted(edges_at(points), numbers, side="right")
            return _p_value(users, cells, current, compare=ks.statistic, bad=Direction.HIGH, n=PERMUTATIONS)

        taken, some = _seconds(ours, partial(_plain, users, numbers), rounds=2)
        plain = some * PERMUTATIONS / PLAIN_PERMUTATIONS
        what = f"KS p-value by user, {ROWS:,} {name}, {USERS:,} users, {PERMUTATIONS:,} permutations"
        rows += [
            Row(what, taken, plain, "a plain loop over users", target=1 / 100),
            Figure(what, taken, "s", target=5, at_most=True),
        ]
    return rows


def _weeks() -> list[Figure]:
    """The same users in both windows, eight weeks against one: one week of each is the current one."""
    rng = np.random.default_rng(3)
    users, week = rng.integers(0, USERS, ROWS), rng.integers(0, SLOTS + 1, ROWS)
    ratings = np.clip(np.rint(rng.normal(size=ROWS) * 2 + 5), 0, 9).astype(np.int64)
    before = week < SLOTS

    def ours() -> None:
        cells, counts = np.unique(
            (users[before] * SLOTS + week[before]) * 10 + ratings[before], return_counts=True
        )
        slots = Slotted(cells // 10 % SLOTS, SLOTS)
        reference = Tally.of(SideCounts(cells % 10, counts, cells // 10 // SLOTS, slots))
        current = _counted(users[~before], ratings[~before], 10)
        _compared(reference, current, compare=ks.statistic, bad=Direction.HIGH, n=PERMUTATIONS)

    (taken,) = _seconds(ours, rounds=2)
    what = f"KS p-value by user and week, {ROWS:,} ratings, {USERS:,} users, {PERMUTATIONS:,} permutations"
    return [Figure(what, taken, "s", target=5, at_most=True)]


def _wide() -> list[Row]:
    """Item popularity by user: a hundred thousand values, which no dense matrix of users and items holds."""
    rng = np.random.default_rng(2)
    users = rng.integers(0, USERS, CHOICES)
    items = np.minimum(rng.zipf(1.2, CHOICES), ITEMS) - 1
    current = users < USERS // 2

    def ours() -> float:
        return _p_value(
            users, items, current, compare=spearman.statistic, bad=Direction.LOW, n=WIDE_PERMUTATIONS
        )

    def plain() -> None:
        drawn = np.isin(users, np.random.default_rng(0).choice(USERS, size=USERS // 2, replace=False))
        first, second = (np.bincount(items[side], minlength=ITEMS) for side in (drawn, ~drawn))
        stats.spearmanr(first, second)

    name = f"Spearman p-value by user, {CHOICES:,} choices, {ITEMS:,} items, {WIDE_PERMUTATIONS} permutations"
    taken, one = _seconds(ours, plain, rounds=3)
    return [Row(name, taken, one * WIDE_PERMUTATIONS, "a plain loop over users")]


def run() -> list[Row | Figure]:
    """All of it."""
    return [*_distances(), *_clustered(), *_weeks(), *_wide()]
