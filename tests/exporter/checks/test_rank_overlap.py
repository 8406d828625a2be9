import numpy as np
import pytest

from recwatch_exporter.checks.rank_overlap import statistic


def naive(reference: np.ndarray, current: np.ndarray, p: float, depth: int) -> float:
    """The definition, depth by depth, over sets."""

    def head(counts: np.ndarray, d: int) -> set[int]:
        return {i for i, count in enumerate(counts) if count > 0 and (counts > count).sum() < d}

    k = min(depth, max(int(np.count_nonzero(side)) for side in (reference, current)))
    total, agreement = 0.0, 0.0
    for d in range(1, k + 1):
        one, other = head(reference, d), head(current, d)
        agreement = 2 * len(one & other) / (len(one) + len(other))
        total += agreement * p**d
    return agreement * p**k + (1 - p) / p * total


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = (rng.poisson(1 + seed / 2, size=40).astype(float) for _ in range(2))

    found = statistic(np.arange(40), reference, current, p=0.9, depth=15)

    assert found == pytest.approx(naive(reference, current, 0.9, 15), abs=1e-12)


def test_rankings_without_ties_as_in_the_paper() -> None:
    """RBO_EXT of <a b c d e> and <b a c f g> at p = 0.9: agreements 0, 1, 1, 3/4, 3/5."""
    reference = np.array([5.0, 4, 3, 2, 1, 0, 0])
    current = np.array([4.0, 5, 3, 0, 0, 2, 1])
    agreements = np.array([0, 1, 1, 3 / 4, 3 / 5])
    expected = 3 / 5 * 0.9**5 + 0.1 / 0.9 * float(agreements @ 0.9 ** np.arange(1, 6))

    assert statistic(np.arange(7), reference, current, p=0.9) == pytest.approx(expected, rel=1e-14)


def test_no_item_in_common_and_the_same_ranking() -> None:
    reference, current = np.array([3.0, 2, 0, 0]), np.array([0.0, 0, 9, 1])

    assert statistic(np.arange(4), reference, current) == 0.0
    assert statistic(np.arange(4), reference, reference * 7) == pytest.approx(1.0, rel=1e-14)


def test_the_head_weighs_most() -> None:
    counts = np.arange(100, 0, -1).astype(float)
    top, tail = counts.copy(), counts.copy()
    top[[0, 9]], tail[[80, 89]] = top[[9, 0]], tail[[89, 80]]

    assert statistic(np.arange(100), counts, top) < statistic(np.arange(100), counts, tail) < 1


def test_a_permutation_of_tied_items_changes_nothing() -> None:
    counts = np.array([5.0, 3, 3, 3, 1, 1])

    assert statistic(np.arange(6), counts, counts[[0, 3, 1, 2, 5, 4]]) == pytest.approx(1.0, rel=1e-14)
