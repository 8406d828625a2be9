from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from recwatch_exporter.checks.factors import FACTORS
from recwatch_exporter.checks.vector_type import Compared
from recwatch_exporter.errors import StatisticError
from recwatch_exporter.statistics.procrustes import fold_of

Compare = Callable[..., Compared]


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_agrees_with_scipy_fold_by_fold(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(60, 4)), rng.normal(size=(60, 4))
    second += first @ ortho_group.rvs(4, random_state=1)
    fold = fold_of(np.arange(60), 5, seed=0)
    expected = np.empty(60)
    for number in range(5):
        own = fold == number
        turned, _ = orthogonal_procrustes(unit(first[~own]), unit(second[~own]))
        expected[own] = np.einsum("ij,ij->i", unit(first[own]) @ turned, unit(second[own]))

    found = compare_vectors(FACTORS, first, second)

    assert found.statistic == pytest.approx(expected.mean(), abs=1e-12)
    assert found.details["min"] == pytest.approx(expected.min(), abs=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e-100])
def test_a_rotation_a_reflection_and_a_scale_are_no_drift(compare_vectors: Compare, scale: float) -> None:
    rng = np.random.default_rng(1)
    first = rng.normal(size=(80, 6))
    turned = ortho_group.rvs(6, random_state=2)
    turned[:, 0] *= -1

    found = compare_vectors(FACTORS, first, first @ turned * scale)

    assert found.statistic == pytest.approx(1.0, abs=1e-12)


def test_more_factors_that_say_nothing_new_are_no_drift(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(size=(80, 4))
    wider = np.pad(first, ((0, 0), (0, 3))) @ ortho_group.rvs(7, random_state=4)

    there, back = (compare_vectors(FACTORS, *pair) for pair in ((first, wider), (wider, first)))

    assert there.statistic == pytest.approx(1.0, abs=1e-12)
    assert back.statistic == pytest.approx(1.0, abs=1e-12)
    assert there.details["factors"] == {"reference": 4, "current": 7}


def test_alignment_does_not_flatter_itself(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(80, 40)), rng.normal(size=(80, 40))
    turned, _ = orthogonal_procrustes(unit(first), unit(second))
    flattered = np.einsum("ij,ij->i", unit(first) @ turned, unit(second)).mean()

    found = compare_vectors(FACTORS, first, second)

    assert flattered > 0.5
    assert abs(found.statistic) < 0.1
    assert abs(found.details["chance"]) < 0.1


def test_chance_is_above_0_where_all_vectors_point_one_way(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=(100, 5)) + 3, rng.normal(size=(100, 5)) + 3

    found = compare_vectors(FACTORS, first, second)

    assert found.statistic == pytest.approx(found.details["chance"], abs=0.1)
    assert found.details["chance"] > 0.7


def test_too_few_items_to_fix_a_rotation(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(7)

    with pytest.raises(StatisticError, match=r"^\d+ shared ids cannot fix a rotation of 16 factors"):
        compare_vectors(FACTORS, rng.normal(size=(17, 16)), rng.normal(size=(17, 16)))
