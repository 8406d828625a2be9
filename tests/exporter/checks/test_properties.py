"""What holds for every type that compares counts; test_vector_type.py says what holds for vectors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.checks.base import Direction
from recwatch_exporter.checks.count_type import CountType
from recwatch_exporter.checks.table import TYPES

COUNT_TYPES = [pytest.param(kind, id=name) for name, kind in TYPES.items() if isinstance(kind, CountType)]
# They see shares alone, while PSI's bins are the reference's and its smoothing sees how large a window is.
SYMMETRIC = [
    pytest.param(TYPES[name], id=name) for name in ("ks", "jensen_shannon", "spearman", "rank_overlap")
]
BINNED = [param for param in COUNT_TYPES if TYPES[str(param.id)].options.model_fields.keys() >= {"bins"}]
NUMERIC = {"ks", "wasserstein", "moments"}
# Not defined on one value in a window, or on one frequency of all values.
SOMETIMES_UNDEFINED = {"spearman", "wasserstein", "moments"}
# A difference of two windows: the other way round it has the other sign.
LOWEST = {"gini": -1.0}
HIGHEST = {"chi2": float("inf")}

counts = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        *(hnp.arrays(np.float64, n, elements=st.integers(0, 1000).map(float)) for _ in range(2))
    )
)


def no_drift(kind: CountType) -> float:
    return 0.0 if kind.bad is Direction.HIGH else 1.0


def compared(kind: CountType, reference: np.ndarray, current: np.ndarray, **options: int) -> float:
    return float(kind.compare(np.arange(len(reference)), reference, current, **options))


@pytest.mark.parametrize("kind", COUNT_TYPES)
@given(pair=counts)
def test_identical_windows_show_no_drift(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    counted = pair[0] + 1
    none = 0.0 if kind.name == "coverage" else 1e-12

    assert compared(kind, counted, counted) == pytest.approx(no_drift(kind), abs=none)


@pytest.mark.parametrize("kind", COUNT_TYPES)
@given(pair=counts)
def test_defined_and_in_range_or_not_a_number(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    reference, current = pair
    value = compared(kind, reference, current)

    if reference.sum() == 0 or current.sum() == 0:
        assert np.isnan(value)
    elif np.isnan(value):
        assert kind.name in SOMETIMES_UNDEFINED
    else:
        lowest = LOWEST.get(kind.name, kind.lowest_threshold)
        highest = HIGHEST.get(kind.name, kind.highest_threshold)
        assert lowest - 1e-12 <= value <= highest + 1e-12


@pytest.mark.parametrize("kind", SYMMETRIC)
@given(pair=counts)
def test_symmetric(kind: CountType, pair: tuple[np.ndarray, np.ndarray]) -> None:
    there, back = compared(kind, *pair), compared(kind, pair[1], pair[0])

    np.testing.assert_allclose(there, back, atol=1e-12)


@pytest.mark.parametrize("kind", SYMMETRIC)
@given(pair=counts, factor=st.integers(2, 50))
def test_a_larger_window_of_the_same_shares_is_the_same(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray], factor: int
) -> None:
    once, more = compared(kind, pair[0], pair[1]), compared(kind, pair[0], pair[1] * factor)

    np.testing.assert_allclose(once, more, atol=1e-7)


@pytest.mark.parametrize("kind", [param for param in COUNT_TYPES if param.id not in NUMERIC])
@given(pair=counts, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_categories_does_not_matter(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(pair[0]))
    expected = compared(kind, *pair)

    np.testing.assert_allclose(compared(kind, pair[0][order], pair[1][order]), expected, atol=1e-9)


# An item that neither window holds is one more tie at the lowest rank.
@pytest.mark.parametrize("kind", [param for param in COUNT_TYPES if param.id not in {"spearman", "gini"}])
@given(pair=counts)
def test_values_that_no_window_holds_do_not_matter(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray]
) -> None:
    held = pair[0] + pair[1] > 0
    values = np.flatnonzero(held)
    compact = float(kind.compare(values, pair[0][held], pair[1][held]))

    np.testing.assert_allclose(compared(kind, *pair), compact, atol=1e-9)


@pytest.mark.parametrize("kind", COUNT_TYPES)
@given(
    pairs=st.integers(1, 9).flatmap(lambda n: hnp.arrays(np.float64, (2, 5, n), elements=st.integers(0, 9)))
)
def test_many_at_once_are_as_one_by_one(kind: CountType, pairs: np.ndarray) -> None:
    values = np.arange(pairs.shape[-1])

    together = kind.compare(values, pairs[0], pairs[1])

    assert together.shape == (5,)
    singly = [float(kind.compare(values, *pair)) for pair in zip(*pairs, strict=True)]
    np.testing.assert_allclose(together, singly, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", BINNED)
@given(pair=counts, bins=st.integers(2, 20))
def test_bins_are_finite_and_show_no_drift_in_identical_windows(
    kind: CountType, pair: tuple[np.ndarray, np.ndarray], bins: int
) -> None:
    reference, current = pair[0] + 1, pair[1] + 1

    assert np.isfinite(compared(kind, reference, current, bins=bins))
    assert compared(kind, reference, reference, bins=bins) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("kind", COUNT_TYPES)
def test_no_values_at_all_is_not_a_number(kind: CountType) -> None:
    assert np.isnan(compared(kind, np.empty(0), np.empty(0)))
