import numpy as np
import pytest

from recwatch_exporter.checks.count_type import Exact
from recwatch_exporter.checks.moments import MOMENTS, shifts, statistic
from recwatch_exporter.data import Moments

VALUES = np.arange(6, dtype=float)


@pytest.mark.parametrize("seed", range(10))
def test_agrees_with_the_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, current = (rng.poisson(5, 6).astype(float) + np.eye(6)[:2].sum(axis=0) for _ in range(2))
    rows, later = (np.repeat(VALUES, side.astype(int)) for side in (reference, current))

    mean, std = shifts(VALUES, reference, current)

    assert mean == pytest.approx((later.mean() - rows.mean()) / rows.std(), rel=1e-12)
    assert std == pytest.approx((later.std() - rows.std()) / rows.std(), rel=1e-12)
    assert statistic(VALUES, reference, current) == max(abs(mean), abs(std))


def test_exact_values() -> None:
    reference = np.array([1.0, 0, 1])  # mean 1, standard deviation 1

    np.testing.assert_array_equal(shifts(VALUES[:3], reference, np.array([0.0, 0, 1])), (1.0, -1.0))
    np.testing.assert_array_equal(shifts(VALUES[:3], reference, np.array([1.0, 0, 0])), (-1.0, -1.0))


def test_large_numbers_close_together_keep_their_digits() -> None:
    reference, current = np.array([1.0, 2, 1, 0]), np.array([0.0, 1, 2, 1])

    near, far = (shifts(base + np.arange(4.0), reference, current)[0] for base in (0.0, 1e9))

    assert far == pytest.approx(float(near), rel=1e-6)


def test_exact_moments_stand_in_for_a_grid() -> None:
    before, after = Moments(10, 1.0, 2.0), Moments(10, 0.0, 5.0)
    assert MOMENTS.exact is not None

    found = MOMENTS.exact(Exact(reference=before, current=after, distances=None))

    assert found == (1.5, {"mean_shift": -0.5, "std_shift": 1.5})
    assert MOMENTS.exact(Exact(reference=Moments(9, 1.0, 0.0), current=after, distances=None)) is None
