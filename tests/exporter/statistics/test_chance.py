import numpy as np
import pytest

from recwatch_exporter.statistics.chance import Chance, beyond_chance

NULL = np.array([0.1, 0.3, np.nan])


def test_what_chance_adds_is_subtracted() -> None:
    assert beyond_chance(0.5, NULL, Chance.ADDED) == pytest.approx(0.3)
    assert beyond_chance(0.1, NULL, Chance.ADDED) == 0.0


def test_squares_for_distances() -> None:
    assert beyond_chance(0.5, NULL, Chance.ADDED_SQUARED) == pytest.approx(np.sqrt(0.25 - 0.05))
    assert beyond_chance(0.1, NULL, Chance.ADDED_SQUARED) == 0.0


def test_a_share_of_what_chance_gives() -> None:
    assert beyond_chance(0.1, NULL, Chance.DIVIDED) == pytest.approx(0.5)
    assert beyond_chance(0.5, NULL, Chance.DIVIDED) == 1.0
    assert beyond_chance(0.0, np.zeros(3), Chance.DIVIDED) == 1.0


def test_kept() -> None:
    assert beyond_chance(0.5, NULL, Chance.KEPT) == 0.5


@pytest.mark.parametrize("chance", Chance)
def test_without_a_single_permutation_it_stays(chance: Chance) -> None:
    assert beyond_chance(0.5, np.array([np.nan]), chance) == 0.5


def test_squares_of_large_numbers_do_not_overflow() -> None:
    large = beyond_chance(5e299, np.array([1e299, 3e299]), Chance.ADDED_SQUARED)

    assert large == pytest.approx(1e300 * np.sqrt(0.25 - 0.05))
    assert beyond_chance(0.0, np.zeros(3), Chance.ADDED_SQUARED) == 0.0
    assert np.isnan(beyond_chance(np.inf, np.zeros(3), Chance.ADDED_SQUARED))
