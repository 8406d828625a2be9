import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.checks.range import cells

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(values=st.lists(finite, max_size=20), limits=st.tuples(finite, finite).map(sorted))
def test_both_limits_are_inside(values: list[float], limits: list[float]) -> None:
    low, high = limits
    x = np.array([*values, low, high])
    edges, inside = cells(low, high)

    found = np.searchsorted(edges, x, side="right")

    np.testing.assert_array_equal(found == inside, (x >= low) & (x <= high))
    np.testing.assert_array_equal(found < inside, x < low)


@given(x=st.lists(finite, min_size=1, max_size=20), limit=finite)
def test_one_limit_is_enough(x: list[float], limit: float) -> None:
    values = np.array([*x, limit])
    above, below = cells(limit, None), cells(None, limit)

    np.testing.assert_array_equal(
        np.searchsorted(above[0], values, side="right") == above[1], values >= limit
    )
    np.testing.assert_array_equal(
        np.searchsorted(below[0], values, side="right") == below[1], values <= limit
    )
