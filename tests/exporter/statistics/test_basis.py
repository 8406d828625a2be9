import numpy as np
import pytest

from recwatch_exporter.statistics.basis import basis


def test_neither_units_nor_outliers_nor_order_matter() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    order = rng.permutation(200)

    plain, stretched = basis(rows), basis(np.exp(5 * rows)[order])

    np.testing.assert_allclose(plain.values[order], stretched.values, atol=1e-12)


def test_continuous_columns_have_five_polynomials_and_their_products() -> None:
    found = basis(np.random.default_rng(1).normal(size=(500, 3)))

    assert found.column.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [-1] * 3
    np.testing.assert_allclose(found.values[:, :15].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.values[:, :5].std(axis=0), 1 / np.arange(1, 6), atol=1e-12)


def test_a_column_of_few_values_has_one_function_less_than_values() -> None:
    rng = np.random.default_rng(2)
    found = basis(np.stack([rng.integers(0, 4, 100), np.ones(100)], axis=1).astype(np.float64))

    assert found.column.tolist() == [0, 0, 0, -1]
    assert np.isfinite(found.values).all()


@pytest.mark.parametrize("columns", [2, 30])
def test_a_change_of_one_column_is_as_if_its_values_had_been_moved(columns: int) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(60, columns))
    found, order = basis(rows), rng.permutation(60)
    weights = np.asarray(rng.normal(size=found.values.shape[1]))
    moved = rows.copy()
    moved[:, 1] = rows[order, 1]

    expected = (basis(moved).values - found.values) @ weights

    np.testing.assert_allclose(found.change(1, order, weights), expected, atol=1e-10)


def test_many_columns_stay_bounded() -> None:
    assert basis(np.random.default_rng(4).normal(size=(20, 1000))).values.shape == (20, 1000)
