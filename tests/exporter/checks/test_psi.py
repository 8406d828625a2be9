import math

import numpy as np
import pytest

from recwatch_exporter.checks.psi import statistic as statistic_of


def statistic(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    return statistic_of(np.arange(reference.shape[-1]), reference, current)


def naive(reference: list[float], current: list[float]) -> float:
    """The definition, bin by bin in plain Python."""
    seen = [i for i, count in enumerate(reference) if count > 0]
    bins = [(reference[i], current[i]) for i in seen]
    bins.append((0, sum(count for i, count in enumerate(current) if i not in seen)))
    total = 0.0
    for expected, found in bins:
        p = (expected + 0.5) / (sum(reference) + 0.5 * len(bins))
        q = (found + 0.5) / (sum(current) + 0.5 * len(bins))
        total += (q - p) * math.log(q / p)
    return total


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = (rng.poisson(2, size=8).astype(float) for _ in range(2))

    assert statistic(reference, current) == pytest.approx(
        naive(reference.tolist(), current.tolist()), rel=1e-12
    )


def test_exact_value() -> None:
    # Bins: one seen, one for values never seen. p = (2.5, 0.5) / 3, q = (0.5, 2.5) / 3.
    assert statistic(np.array([2.0, 0]), np.array([0.0, 2])) == pytest.approx(4 / 3 * math.log(5), rel=1e-15)


def test_all_values_never_seen_share_one_bin() -> None:
    one = statistic(np.array([50.0, 50, 0, 0]), np.array([40.0, 40, 20, 0]))
    two = statistic(np.array([50.0, 50, 0, 0]), np.array([40.0, 40, 10, 10]))

    assert one == two


def test_a_value_that_vanishes_gives_a_finite_figure() -> None:
    assert 0.2 < statistic(np.array([50.0, 50]), np.array([100.0, 0])) < 10


def test_many_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(1)
    reference, current = rng.poisson(1, (7, 5)).astype(float), rng.poisson(1, (7, 5)).astype(float) + 1

    together = statistic(reference, current)

    singly = [float(statistic(a, b)) for a, b in zip(reference, current, strict=True)]
    np.testing.assert_allclose(together, singly, rtol=1e-13)
