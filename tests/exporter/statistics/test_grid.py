import numpy as np

from recwatch_exporter.statistics.grid import POINTS, edges_at, probabilities, representatives


def test_every_point_has_a_cell_of_its_own() -> None:
    edges = edges_at(np.array([2.0, 1.0, 2.0]))

    cells = np.searchsorted(edges, [0.0, 1.0, 1.5, 2.0, 3.0], side="right")

    assert cells.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(representatives(edges, 0.0, 3.0), [0.0, 1.0, 1.5, 2.0, 3.0], rtol=1e-15)


def test_without_rows_beyond_them_the_ends_stand_for_themselves() -> None:
    found = representatives(edges_at(np.array([1.0, 2.0])), np.nan, np.nan)

    np.testing.assert_allclose(found, [1.0, 1.0, 1.5, 2.0, 2.0], rtol=1e-15)


def test_deciles_and_both_ends_are_on_the_grid() -> None:
    found = probabilities()

    assert np.isin([0.0, 0.1, 0.5, 0.9, 1.0], found).all()
    assert POINTS < len(found) < 1100
    assert (np.diff(found) > 0).all()


def test_the_largest_numbers_there_are() -> None:
    largest = np.finfo(float).max
    edges = edges_at(np.array([-largest, largest]))

    assert np.isfinite(edges).all()
    assert np.isfinite(representatives(edges, np.nan, np.nan)).all()
