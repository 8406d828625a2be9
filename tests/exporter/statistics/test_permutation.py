from functools import partial
from itertools import product

import numpy as np
import pytest
from scipy import stats

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.ks import KS
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.data import SideCounts
from recwatch_exporter.statistics.counts import Counts, Tally, align
from recwatch_exporter.statistics.permutation import (
    Compare,
    draw_permutations,
    permutation_test,
)

COUNT_TYPES = [pytest.param(kind, id=name) for name, kind in TYPES.items() if isinstance(kind, CountType)]


def aligned(reference: SideCounts, current: SideCounts) -> Counts:
    return align(Tally.of(reference), Tally.of(current))


def most_permutations(counts: Counts) -> float:
    return np.inf if counts.units is None else counts.units[0].most_permutations


def of(kind: CountType, counts: Counts) -> Compare:
    """The type's statistic over these values."""
    return partial(kind.compare, counts.values)


def clustered(seed: int = 0, n_users: int = 30) -> tuple[Counts, list[tuple[int, int, float]]]:
    """Ratings of users, some in the reference (0), some in the current window (1), some in both."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        for side in [[0], [1], [0, 1]][user % 3]:
            rows += [(side, user, float(value)) for value in rng.integers(1, 6, size=rng.integers(1, 6))]
    sides = []
    for side in (0, 1):
        cells, n = np.unique(
            [(user, value) for where, user, value in rows if where == side], axis=0, return_counts=True
        )
        sides.append(SideCounts(cells[:, 1], n, cells[:, 0].astype(int)))
    return aligned(sides[0], sides[1]), rows


def draws_of(counts: Counts, permutations: int = 999, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    blocks = list(draw_permutations(counts, permutations, np.random.default_rng(seed)))
    return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])


def test_every_permutation_keeps_what_there_is() -> None:
    counts, _ = clustered()
    reference, current = draws_of(counts)

    assert reference.shape == current.shape == (999, len(counts.values))
    assert ((reference + current) == counts.reference + counts.current).all()
    assert (reference >= 0).all()
    assert (current >= 0).all()


def test_whole_clusters_move() -> None:
    """With one value a user, a permutation is a choice of users: counts are 0 or all that the user has."""
    sizes = np.array([3, 5, 7, 11, 13, 17])
    users = np.arange(6)
    counts = aligned(SideCounts(users[:4], sizes[:4], users[:4]), SideCounts(users[4:], sizes[4:], users[4:]))

    _, current = draws_of(counts)

    assert np.isin(current / sizes, [0.0, 1.0]).all()
    assert ((current > 0).sum(axis=1) == 2).all(), "each window keeps its number of users"
    assert len(np.unique(current, axis=0)) == 15, "all choices of 2 out of 6 occur"


def test_a_user_of_both_windows_swaps_his_two_parts() -> None:
    values = np.array([1.0, 2.0])
    counts = aligned(
        SideCounts(values[:1], np.array([3]), np.array([9])),
        SideCounts(values[1:], np.array([5]), np.array([9])),
    )

    _, current = draws_of(counts)

    assert {tuple(row) for row in current.tolist()} == {(3.0, 0.0), (0.0, 5.0)}
    assert 0.4 < (current[:, 0] == 3).mean() < 0.6


def test_many_values_come_in_blocks() -> None:
    """Neither all permutations nor all clusters at once, so that memory stays small."""
    n = 2**17
    values = np.arange(2 * n)
    ones = np.ones(n, dtype=np.int64)
    counts = aligned(
        SideCounts(values[:n], ones, values[:n] % 3), SideCounts(values[n:], ones, values[n:] % 3 + 3)
    )

    blocks = list(draw_permutations(counts, 20, np.random.default_rng(0)))

    assert len(blocks) > 1
    assert sum(len(reference) for reference, _ in blocks) == 20
    for reference, current in blocks:
        assert ((reference + current) == 1).all()


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_agrees_with_a_plain_loop_over_users(kind: CountType) -> None:
    """The same null, drawn by moving rows one by one: the p-values differ by chance alone."""
    counts, rows = clustered()
    observed = float(kind.compare(counts.values, counts.reference, counts.current))
    fast = permutation_test(
        observed, draw_permutations(counts, 4000, np.random.default_rng(1)), of(kind, counts), kind.bad
    )

    rng = np.random.default_rng(2)
    where: dict[int, set[int]] = {}
    for side, user, _ in rows:
        where.setdefault(user, set()).add(side)
    single = [user for user, sides in where.items() if len(sides) == 1]
    as_bad = 0
    for _ in range(1000):
        label = dict(zip(single, rng.permutation([next(iter(where[user])) for user in single]), strict=True))
        swap = {user: int(rng.integers(2)) for user, sides in where.items() if len(sides) == 2}
        table = np.zeros((2, len(counts.values)))
        for side, user, value in rows:
            new = label[user] if user in label else side ^ swap[user]
            table[new, np.searchsorted(counts.values, value)] += 1
        drawn = kind.compare(counts.values, table[0], table[1])
        as_bad += bool(drawn >= observed - 1e-12 if kind.bad is Direction.HIGH else drawn <= observed + 1e-12)

    slow = (1 + as_bad) / 1001
    assert fast.p_value == pytest.approx(slow, abs=4 * np.sqrt(0.25 / 1000))


def test_agrees_with_every_permutation_counted() -> None:
    """Few enough users to try all labels: the p-value comes close to the exact share."""
    sizes = np.array([3, 5, 7, 11, 13, 17])
    values = np.array([1.0, 2, 2, 3, 4, 4])
    users = np.arange(6)
    counts = aligned(
        SideCounts(values[:3], sizes[:3], users[:3]), SideCounts(values[3:], sizes[3:], users[3:])
    )
    observed = float(KS.compare(counts.values, counts.reference, counts.current))
    exact = []
    for labels in product([0, 1], repeat=6):
        if sum(labels) == 3:
            chosen = np.array(labels, dtype=bool)
            tables = [
                np.array([sizes[side & (values == value)].sum() for value in counts.values], float)
                for side in (~chosen, chosen)
            ]
            exact.append(KS.compare(counts.values, tables[0], tables[1]) >= observed - 1e-12)

    chance = permutation_test(
        observed, draw_permutations(counts, 9999, np.random.default_rng(0)), of(KS, counts), KS.bad
    )

    assert chance.p_value == pytest.approx(np.mean(exact), abs=0.015)


def test_without_clusters_rows_move_one_by_one() -> None:
    """For two values, permuting rows is Fisher's exact test."""
    values = np.array([0.0, 1.0])
    counts = aligned(SideCounts(values, np.array([30, 10])), SideCounts(values, np.array([15, 15])))
    expected = stats.fisher_exact(np.array([[30, 10], [15, 15]])).pvalue

    chance = permutation_test(
        float(KS.compare(counts.values, counts.reference, counts.current)),
        draw_permutations(counts, 20_000, np.random.default_rng(0)),
        of(KS, counts),
        KS.bad,
    )

    assert chance.p_value == pytest.approx(expected, abs=0.005)


def test_p_values_are_never_zero_and_seeded() -> None:
    values = np.array([0.0, 1.0])
    counts = aligned(SideCounts(values[:1], np.array([500])), SideCounts(values[1:], np.array([500])))

    def p_value(seed: int) -> float:
        return permutation_test(
            1.0, draw_permutations(counts, 99, np.random.default_rng(seed)), of(KS, counts), KS.bad
        ).p_value

    assert p_value(0) == p_value(0) == 0.01


def test_undefined_permutations_count_as_bad() -> None:
    block = (np.array([[1.0], [0.0]]), np.array([[1.0], [2.0]]))

    chance = permutation_test(0.5, [block], lambda r, _c: np.where(r[:, 0] == 0, np.nan, 0.0), Direction.HIGH)

    assert chance.p_value == pytest.approx(2 / 3)


def test_the_null_mean_is_over_the_permutations_in_which_the_statistic_is_defined() -> None:
    block = (np.array([[0.1], [0.3], [np.nan]]), np.zeros((3, 1)))

    chance = permutation_test(0.5, [block, block], lambda r, _c: r[:, 0], Direction.HIGH)
    nothing = permutation_test(0.5, [], lambda r, _c: r[:, 0], Direction.HIGH)

    assert chance.null_mean == pytest.approx(0.2)
    assert nothing.null_mean == 0.0


def test_a_hundred_thousand_items_of_twenty_thousand_users_stay_sparse() -> None:
    rng = np.random.default_rng(0)
    n, items, users = 300_000, 100_000, 20_000
    sides = [
        SideCounts(rng.integers(0, items, n), np.ones(n, dtype=np.int64), rng.integers(0, users, n))
        for _ in range(2)
    ]
    counts = aligned(*sides)

    total = counts.reference + counts.current
    for reference, current in draw_permutations(counts, 10, np.random.default_rng(0)):
        np.testing.assert_array_equal(reference + current, np.broadcast_to(total, reference.shape))
        assert (current >= 0).all()
        assert current.sum(axis=1) == pytest.approx(n, rel=0.05)


def test_counts_beyond_single_precision_are_exact() -> None:
    """A user of 2**24 + 1 rows: one more than float32 can count."""
    sizes = np.array([2**24 + 1, 3, 5, 7])
    users = np.arange(4)
    counts = aligned(SideCounts(users[:2], sizes[:2], users[:2]), SideCounts(users[2:], sizes[2:], users[2:]))

    _, current = draws_of(counts, 50)

    assert set(current[:, 0]) == {0.0, 2.0**24 + 1}


def test_from_a_billion_rows_on_windows_are_drawn_with_putting_back() -> None:
    values = np.array([0.0, 1.0])
    counts = aligned(
        SideCounts(values, np.array([3 * 10**9, 10**9])), SideCounts(values, np.array([3 * 10**8, 10**8]))
    )

    reference, current = draws_of(counts, 200)

    assert (reference.sum(axis=1) == 4e9).all()
    assert (current.sum(axis=1) == 4e8).all()
    assert current[:, 1] / 4e8 == pytest.approx(0.25, abs=2e-4)


def test_how_many_permutations_there_are() -> None:
    sizes, users = np.array([3, 5, 7, 11]), np.arange(4)
    single = aligned(SideCounts(users[:3], sizes[:3], users[:3]), SideCounts(users[3:], sizes[3:], users[3:]))
    paired = aligned(SideCounts(users[:3], sizes[:3], users[:3]), SideCounts(users[2:], sizes[2:], users[2:]))
    rows = aligned(SideCounts(users, sizes), SideCounts(users, sizes))

    assert most_permutations(single) == pytest.approx(4)
    assert most_permutations(paired) == pytest.approx(3 * 2)
    assert most_permutations(rows) == np.inf


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_agrees_with_every_swap_and_exchange_written_out(kind: CountType) -> None:
    """Two users who change places and two who swap their halves: eight permutations, all of them tried."""
    table = {  # user: counts of three values in the reference and in the current window
        0: ([5, 1, 0], [0, 0, 0]),
        1: ([0, 0, 0], [1, 2, 4]),
        2: ([3, 0, 2], [1, 1, 6]),
        3: ([0, 2, 2], [4, 0, 1]),
    }
    sides = []
    for side in (0, 1):
        cells = [(user, value, n) for user, row in table.items() for value, n in enumerate(row[side]) if n]
        users, values, n = np.array(cells).T
        sides.append(SideCounts(values, n, users))
    counts = aligned(*sides)
    compare = of(kind, counts)
    observed = float(compare(counts.reference, counts.current))
    as_bad = []
    for swapped in product([0, 1], repeat=3):  # users 0 and 1 change places, 2 swaps, 3 swaps
        flips = (swapped[0], *swapped)
        reference, current = (
            np.sum([row[side ^ flip] for row, flip in zip(table.values(), flips, strict=True)], axis=0)
            for side in (0, 1)
        )
        drawn = float(compare(reference.astype(float), current.astype(float)))
        bad = drawn >= observed - 1e-12 if kind.bad is Direction.HIGH else drawn <= observed + 1e-12
        as_bad.append(bad or np.isnan(drawn))

    draws = draw_permutations(counts, 4000, np.random.default_rng(0))
    chance = permutation_test(observed, draws, compare, kind.bad)

    assert most_permutations(counts) == pytest.approx(8)
    assert chance.p_value == pytest.approx(np.mean(as_bad), abs=0.03)


@pytest.mark.all
@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_the_null_is_calibrated(kind: CountType) -> None:
    """Users who differ, split at random: rejected at 0.05 in about 5 of 100 splits."""
    rng = np.random.default_rng(0)
    tastes = rng.dirichlet(np.full(200, 0.1), size=60)
    rejected = 0
    for _ in range(300):
        order = rng.permutation(60)
        sides = []
        for group in (order[:40], order[40:]):
            rows = [(user, value) for user in group for value in rng.choice(200, 15, p=tastes[user])]
            cells, n = np.unique(rows, axis=0, return_counts=True)
            sides.append(SideCounts(cells[:, 1], n, cells[:, 0]))
        counts = aligned(*sides)
        observed = float(of(kind, counts)(counts.reference, counts.current))
        draws = draw_permutations(counts, 199, rng)
        rejected += permutation_test(observed, draws, of(kind, counts), kind.bad).p_value <= 0.05

    assert 0.02 <= rejected / 300 <= 0.085
