import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.data import Pairs
from recwatch_exporter.statistics.directions import directions, unit_rows


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(0, 6), st.integers(1, 5)),
        elements=st.floats(allow_nan=True, allow_infinity=True, width=32),
    )
)
def test_every_direction_has_length_1(vectors: np.ndarray) -> None:
    units, has = unit_rows(vectors)

    np.testing.assert_allclose(np.linalg.norm(units[has], axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(has, np.isfinite(vectors).all(axis=1) & (vectors != 0).any(axis=1))
    assert units.dtype == vectors.dtype


def test_a_pair_of_which_one_has_no_direction_is_left_out() -> None:
    zeros = Pairs(np.array([1, 2]), np.array([[0.0, 0], [3, 4]]), np.array([[1.0], [2]]))

    (found,) = directions([zeros])

    assert found.ids.tolist() == [2]
    assert found.reference.tolist() == [[0.6, 0.8]]
    assert found.left_out == 1
