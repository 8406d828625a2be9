import numpy as np
import pytest

from recwatch_exporter.statistics.moments import in_standard_deviations, mean_and_std


def test_agrees_with_numpy_row_by_row() -> None:
    rng = np.random.default_rng(0)
    values, counts = np.sort(rng.normal(size=9)), rng.integers(0, 5, (4, 9)).astype(float)

    mean, std = mean_and_std(values, counts)

    rows = [np.repeat(values, side.astype(int)) for side in counts]
    assert mean == pytest.approx([row.mean() for row in rows], rel=1e-12)
    assert std == pytest.approx([row.std() for row in rows], rel=1e-12)


def test_no_rows_is_not_a_number() -> None:
    for values in (np.arange(3.0), np.empty(0)):
        assert np.isnan(mean_and_std(values, np.zeros(len(values)))).all()


def test_nothing_is_nothing_in_any_unit() -> None:
    found = in_standard_deviations(np.array([0.0, 1.0, 3.0, np.nan]), np.array([0.0, 0.0, 2.0, 1.0]))

    np.testing.assert_array_equal(found, [0.0, np.nan, 1.5, np.nan])
