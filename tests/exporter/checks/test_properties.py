"""What holds for every check type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.checks.vector_type import VectorType

COUNT_TYPES = [pytest.param(kind, id=name) for name, kind in TYPES.items() if isinstance(kind, CountType)]
VECTOR_TYPES = [pytest.param(kind, id=name) for name, kind in TYPES.items() if isinstance(kind, VectorType)]
# PSI is neither: its bins are the reference's, and its smoothing sees how large a window is.
SYMMETRIC = [pytest.param(TYPES[name], id=name) for name in ("ks", "spearman")]

counts = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        *(hnp.arrays(np.float64, n, elements=st.integers(0, 1000).map(float)) for _ in range(2))
    )
)
vectors = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(-1e6, 1e6, width=32)
)


def no_drift(kind: CountType | VectorType) -> float:
    return 0.0 if kind.bad is Direction.HIGH else 1.0


@pytest.mark.parametrize("kind", COUNT_TYPES)
@given(pair=counts)
def test_identical_windows_show_no_drift(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    counted = pair[0] + 1

    assert kind.compare(counted, counted) == no_drift(kind)


@pytest.mark.parametrize("kind", VECTOR_TYPES)
@given(rows=vectors)
def test_identical_vectors_show_no_drift(kind: VectorType, rows: np.ndarray) -> None:
    np.testing.assert_allclose(kind.compare(rows, rows), no_drift(kind), atol=1e-12)


@pytest.mark.parametrize("kind", COUNT_TYPES)
@given(pair=counts)
def test_defined_and_in_range_or_not_a_number(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    reference, current = pair
    value = float(kind.compare(reference, current))

    if reference.sum() == 0 or current.sum() == 0:
        assert np.isnan(value)
    else:
        inside = kind.lowest_threshold - 1e-12 <= value <= kind.highest_threshold + 1e-12
        assert inside or (np.isnan(value) and kind.name == "spearman")


@pytest.mark.parametrize("kind", SYMMETRIC)
@given(pair=counts)
def test_symmetric(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    there, back = kind.compare(*pair), kind.compare(pair[1], pair[0])

    np.testing.assert_allclose(there, back, atol=1e-12)


@pytest.mark.parametrize("kind", SYMMETRIC)
@given(pair=counts, factor=st.integers(2, 50))
def test_a_larger_window_of_the_same_shares_is_the_same(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray], factor: int
) -> None:
    once, more = kind.compare(pair[0], pair[1]), kind.compare(pair[0], pair[1] * factor)

    np.testing.assert_allclose(once, more, atol=1e-12)


@pytest.mark.parametrize("kind", [param for param in COUNT_TYPES if param.id != "ks"])
@given(pair=counts, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_categories_does_not_matter(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(pair[0]))
    expected = kind.compare(*pair)

    np.testing.assert_allclose(kind.compare(pair[0][order], pair[1][order]), expected, atol=1e-9)


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_no_values_at_all_is_not_a_number(kind: CountType) -> None:
    assert np.isnan(kind.compare(np.empty(0), np.empty(0)))
