from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.neighbors import NearestNeighbors

from recwatch_exporter.checks.neighbours import NEIGHBOURS
from recwatch_exporter.checks.vector_type import Compared
from recwatch_exporter.errors import StatisticError

Compare = Callable[..., Compared]


def sklearn_overlap(first: np.ndarray, second: np.ndarray, k: int) -> np.ndarray:
    found = []
    for side in (first, second):
        index = NearestNeighbors(n_neighbors=k + 1, metric="cosine", algorithm="brute").fit(side)
        rows = index.kneighbors(side, return_distance=False)
        found.append([set(row[row != number][:k]) for number, row in enumerate(rows)])
    return np.array([len(a & b) / k for a, b in zip(*found, strict=True)])


@pytest.mark.parametrize("at_once", [1, 13, 1000])
def test_agrees_with_scikit_learn(compare_vectors: Compare, at_once: int) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(300, 5))
    second = first + rng.normal(size=(300, 5)) * 0.5

    found = compare_vectors(NEIGHBOURS, first, second, at_once=at_once, queries=300)

    expected = sklearn_overlap(first, second, 10)
    assert found.statistic == pytest.approx(expected.mean(), abs=1e-12)
    assert found.details["std"] == pytest.approx(expected.std(), abs=1e-12)
    assert found.details["worst"][0]["overlap"] == expected.min()
    assert found.details["bins"]["current"][0] == np.mean(expected == 0)


def test_a_rotation_into_another_number_of_dimensions_is_no_drift(compare_vectors: Compare) -> None:
    first = np.random.default_rng(1).normal(size=(100, 4))
    wider = np.pad(first, ((0, 0), (0, 3))) @ ortho_group.rvs(7, random_state=4)

    assert compare_vectors(NEIGHBOURS, first, wider).statistic == 1.0


def test_chance_alone_gives_what_it_is_said_to(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(2)

    found = compare_vectors(NEIGHBOURS, rng.normal(size=(400, 8)), rng.normal(size=(400, 8)), queries=400)

    assert found.details["chance"] == 10 / 399
    assert found.statistic == pytest.approx(10 / 399, abs=4 * found.details["standard_error"])


def test_queries_are_bounded_and_the_same_at_every_run(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(500, 3)), rng.normal(size=(500, 3))

    once, again = (compare_vectors(NEIGHBOURS, first, second, queries=20, at_once=n) for n in (50, 499))

    assert once.details["queries"] == 20
    assert once.details == again.details


def test_fewer_items_than_neighbours(compare_vectors: Compare) -> None:
    with pytest.raises(StatisticError, match=r"^8 shared ids are too few to compare 10 neighbours of each"):
        compare_vectors(NEIGHBOURS, np.eye(8), np.eye(8))
