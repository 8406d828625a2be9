import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.statistics.scaling import Scale


def test_each_column_by_its_own_spread() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 3)) * [1, 100, 1e-200] + [5, 0, 1e-199]

    scaled = Scale.of(rows, each=True).apply(rows)

    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-12)


def test_one_spread_for_all_keeps_their_proportions() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 2)) * [1, 3]

    scaled = Scale.of(rows, each=False).apply(rows)

    assert scaled[:, 1].std() / scaled[:, 0].std() == pytest.approx(rows[:, 1].std() / rows[:, 0].std())
    assert np.mean(scaled**2) == pytest.approx(1)


def test_a_constant_column_keeps_its_unit() -> None:
    scale = Scale.of(np.array([[0.1, 1.0], [0.1, 2.0]] * 5), each=True)

    assert scale.unit[0] == 1.0


@given(
    hnp.arrays(np.float64, (4, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    hnp.arrays(np.float64, (3, 2), elements=st.floats(allow_nan=False, allow_infinity=False)),
    st.booleans(),
)
def test_whatever_comes_stays_finite(reference: np.ndarray, current: np.ndarray, each: bool) -> None:  # noqa: FBT001 - drawn
    scale = Scale.of(reference, each=each)

    assert np.isfinite(scale.apply(reference)).all()
    assert np.isfinite(scale.apply(current)).all()


def test_no_rows_at_all() -> None:
    assert Scale.of(np.empty((0, 2)), each=True).unit.tolist() == [1, 1]
