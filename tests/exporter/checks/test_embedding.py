from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.distance import cosine

from recwatch_exporter.checks.embedding import EMBEDDING
from recwatch_exporter.checks.vector_type import Compared
from recwatch_exporter.errors import StatisticError

Compare = Callable[..., Compared]


def test_mean_spread_and_worst_agree_with_scipy(compare_vectors: Compare) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(50, 7)), rng.normal(size=(50, 7))
    expected = np.array([1 - cosine(a, b) for a, b in zip(first, second, strict=True)])

    found = compare_vectors(EMBEDDING, first, second, threshold=0.25)

    assert found.statistic == pytest.approx(expected.mean(), abs=1e-12)
    assert found.details["std"] == pytest.approx(expected.std(), abs=1e-12)
    assert found.details["min"] == pytest.approx(expected.min(), abs=1e-12)
    assert found.details["below"] == np.count_nonzero(expected < 0.25)
    assert [item["id"] for item in found.details["worst"]] == np.argsort(expected)[:10].tolist()


def test_the_picture_holds_all_and_starts_where_there_are_some(compare_vectors: Compare) -> None:
    found = compare_vectors(EMBEDDING, np.array([[1.0, 0], [1, 0]]), np.array([[1.0, 0], [1, 1]]))

    bins = found.details["bins"]
    assert bins["labels"][0] == "0.70 to 0.75"
    assert len(bins["labels"]) == len(bins["current"])
    assert (bins["current"][0], bins["current"][-1]) == (0.5, 0.5)


def test_vectors_of_different_encoders(compare_vectors: Compare) -> None:
    with pytest.raises(
        StatisticError, match=r"^vectors have 256 numbers in the reference and 384 in the current window"
    ):
        compare_vectors(EMBEDDING, np.ones((1, 256)), np.ones((1, 384)))
