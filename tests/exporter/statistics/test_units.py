import numpy as np
import pytest

from recwatch_exporter.statistics.units import Units, units_of_clusters


def drawn(units: Units, permutations: int = 2000, seed: int = 0) -> np.ndarray:
    return np.concatenate(list(units.draw(permutations, np.random.default_rng(seed))))


def test_units_alone_change_places_and_each_window_keeps_its_number() -> None:
    units = Units.alone(np.ones(5), np.array([True, False, False, True, False]))

    labels = drawn(units)

    assert labels.shape == (2000, 5)
    assert set(labels.sum(axis=1)) == {2}
    np.testing.assert_allclose(labels.mean(axis=0), 0.4, atol=0.05)


def test_the_halves_of_a_cluster_are_swapped_or_not_and_what_is_fixed_stays() -> None:
    units = Units(
        rows=np.ones(5),
        current=np.array([False, True, False, True, True]),
        partner=np.array([1, 0, 2, 3, 4]),
        fixed=np.array([False, False, False, False, True]),
    )

    labels = drawn(units)

    assert (labels[:, 0] + labels[:, 1] == 1).all()
    assert (labels[:, 2] + labels[:, 3] == 1).all()
    assert (labels[:, 4] == 1).all()
    assert labels[:, 0].mean() == pytest.approx(0.5, abs=0.05)
    assert np.corrcoef(labels[:, 0], labels[:, 2])[0, 1] == pytest.approx(0, abs=0.1)


def test_many_units_come_in_blocks() -> None:
    units = Units.alone(np.ones(2**20), np.arange(2**20) < 3)

    blocks = list(units.draw(6, np.random.default_rng(0)))

    assert [len(block) for block in blocks] == [4, 2]


def test_units_of_clusters_by_window() -> None:
    units, unit = units_of_clusters(np.array(["a", "b", "a"]), np.array(["c", "a", "c", "c"]))

    assert units.rows[unit].tolist() == [2, 1, 2, 3, 1, 3, 3]
    assert units.current[unit].tolist() == [False] * 3 + [True] * 4
    assert units.partner[unit[0]] == unit[4]
    assert units.partner[unit[4]] == unit[0]
    assert units.partner[unit[1]] == unit[1]
    assert units.partner[unit[3]] == unit[3]
