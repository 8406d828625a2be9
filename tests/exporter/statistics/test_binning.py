import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recwatch_exporter.statistics.binning import both_in_bins, in_bins, quantile_bins

counts = st.integers(1, 15).flatmap(
    lambda n: hnp.arrays(np.float64, (3, n), elements=st.integers(0, 9).map(float))
)


@given(reference=counts, bins=st.integers(2, 12))
def test_cut_at_the_references_quantiles(reference: np.ndarray, bins: int) -> None:
    values = np.arange(reference.shape[-1])
    found = quantile_bins(reference, bins)

    for row, bin_of in zip(reference, found, strict=True):
        rows = np.repeat(values, row.astype(int))
        if len(rows):
            # The smallest value at which the distribution function reaches j / bins, in whole numbers.
            ends = [rows[-(-j * len(rows) // bins) - 1] for j in range(1, bins)]
            assert bin_of.tolist() == np.searchsorted(ends, values, side="left").tolist()


def test_equal_shares_where_there_are_no_ties() -> None:
    assert in_bins(np.ones(20), quantile_bins(np.ones(20), 10), 10).tolist() == [2.0] * 10


def test_a_value_of_many_rows_takes_its_bins_whole() -> None:
    reference = np.array([60.0, 10, 10, 20])

    assert quantile_bins(reference, 10).tolist() == [0, 6, 7, 8]


@pytest.mark.parametrize("shape", [(5,), (2, 5), (2, 3, 5)])
def test_no_row_is_lost(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    reference, current = rng.integers(0, 5, shape).astype(float), rng.integers(0, 5, shape).astype(float)

    before, after = both_in_bins(reference, current, 3)

    np.testing.assert_array_equal(before.sum(axis=-1), reference.sum(axis=-1))
    np.testing.assert_array_equal(after.sum(axis=-1), current.sum(axis=-1))
    np.testing.assert_array_equal(both_in_bins(reference, current, None), (reference, current))
