import numpy as np
import pytest

from recwatch_exporter.data import Slotted
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
        cluster=np.array([0, 0, 1, 2, 3]),
        slot=np.array([0, 1, 0, 1, 1]),
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
    assert units.cluster[unit].tolist() == [0, 1, 0, 2, 0, 2, 2]
    assert units.slot[unit].tolist() == [0, 0, 0, 1, 1, 1, 1]


def slotted(slots: int = 3) -> tuple[Units, np.ndarray]:
    """Clusters a (slots 0, 1 and the shorter window), b (slot 2 only), c (the shorter only), d (none)."""
    reference = np.array(["a", "a", "b", "d", "a"])
    return units_of_clusters(
        reference, np.array(["a", "c"]), (Slotted(np.array([0, 1, 2, 3, 3]), slots), None)
    )


def test_a_cluster_gives_one_of_all_its_slots_to_the_shorter_window() -> None:
    units, unit = slotted()

    labels = drawn(units, 8000)[:, unit]
    found, counts = np.unique(labels, axis=0, return_counts=True)
    # The shorter window has two clusters: a, by slot 0, slot 1 or what is there, and either b or c; or b and
    # c, where a gives slot 2, in which it has no rows.
    absent = units.absence / (3 + units.absence)
    expected = {(a0, a1, b, 0, 0, a3, 1 - b): (1 - absent) / 6 for a0, a1, a3 in np.eye(3) for b in (0, 1)}
    expected[(0, 0, 1, 0, 0, 0, 1)] = absent
    assert {tuple(row) for row in found} == set(expected)
    np.testing.assert_allclose(counts / 8000, [expected[tuple(row)] for row in found], atol=0.02)
    assert units.most_permutations == pytest.approx(8)


@pytest.mark.parametrize("there", [5, 40, 90])
def test_the_shorter_window_keeps_its_number_of_clusters(there: int) -> None:
    """Of 60 clusters with rows in five of ten slots, and 40 with rows in one."""
    rng = np.random.default_rng(0)
    several, slot = np.nonzero(np.argsort(rng.random((60, 10)), axis=1) < 5)
    short = rng.choice(100, there, replace=False)
    units, _ = units_of_clusters(
        np.r_[several, np.arange(60, 100)], short, (Slotted(np.r_[slot, rng.integers(0, 10, 40)], 10), None)
    )

    sizes = drawn(units).sum(axis=1)

    assert np.abs(sizes - there).mean() < 1
    assert np.median(sizes) == there


def test_the_longer_window_may_be_the_current_one() -> None:
    units, unit = units_of_clusters(
        np.array(["a", "c"]), np.array(["a", "a", "b"]), (None, Slotted(np.array([0, 1, 2]), 2))
    )

    labels = drawn(units, 6000)[:, unit]

    assert not units.short_is_current
    assert units.current[unit].tolist() == [False, False, True, True, True]
    assert (labels[:, 4] == 1).all(), "what is in no slot stays"
    assert (labels[:, 1] == 0).all(), "the only cluster of one slot changes places with none"
    np.testing.assert_allclose((labels[:, [0, 2, 3]] == 0).mean(axis=0), 1 / 3, atol=0.03)
    assert ((labels[:, [0, 2, 3]] == 0).sum(axis=1) == 1).all()


def test_one_slot_a_side_is_to_swap_with_probability_a_half() -> None:
    reference, current = np.array(["a", "b", "c"]), np.array(["b", "c", "d", "e"])
    plain, unit = units_of_clusters(reference, current)
    cut, same = units_of_clusters(reference, current, (Slotted(np.zeros(3, dtype=int), 1), None))

    assert unit.tolist() == same.tolist()
    np.testing.assert_array_equal(drawn(plain, 50), drawn(cut, 50))
    assert plain.most_permutations == pytest.approx(4 * 3)


def test_absence_is_a_choice_where_it_is_taken() -> None:
    users = np.arange(6)
    units, _ = units_of_clusters(users, users[:3], (Slotted(np.array([0, 1, 0, 1, 0, 1]), 2), None))

    assert units.absence > 0.1
    assert len(np.unique(drawn(units), axis=0)) > 2**3
    assert units.most_permutations == pytest.approx(3**3)


def test_absence_is_no_choice_where_nobody_is_absent() -> None:
    users = np.arange(4)
    units, _ = units_of_clusters(users, users, (Slotted(np.array([0, 1, 0, 1]), 2), None))

    assert units.absence < 1e-6
    assert len(np.unique(drawn(units), axis=0)) == 2**4
    assert units.most_permutations == pytest.approx(2**4)
    assert "4 clusters allow no p-value below 0.063" in str(units.doubt(0.05))


def test_too_few_clusters_and_other_clusters_are_told() -> None:
    few, _ = slotted()
    users = np.arange(100)
    others, _ = units_of_clusters(
        np.repeat(users, 8), users + 200, (Slotted(np.tile(np.arange(8), 100), 8), None)
    )
    same, _ = units_of_clusters(np.repeat(users, 8), users, (Slotted(np.tile(np.arange(8), 100), 8), None))

    assert few.doubt(0.05) == "4 clusters allow no p-value below 0.13"
    assert few.doubt(0.2) is None
    assert "hardly any cluster" in str(others.doubt(0.05))
    assert same.doubt(0.05) is None
