"""What holds for every type that compares vectors by id."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recwatch_exporter.checks.table import TYPES
from recwatch_exporter.checks.vector_type import Compared, VectorType

Compare = Callable[..., Compared]
KINDS = [pytest.param(kind, id=name) for name, kind in TYPES.items() if isinstance(kind, VectorType)]
OPTIONS: dict[str, dict[str, Any]] = {"neighbours": {"k": 3, "queries": 10}}
seeds = st.integers(0, 2**32 - 1)


def made(seed: int, n: int = 40, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d)) * 10 ** rng.uniform(-3, 3)
    return vectors, vectors + rng.normal(size=(n, d)) * rng.uniform(0, 2) * vectors.std()


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_identical_vectors_show_no_drift(compare_vectors: Compare, kind: VectorType, seed: int) -> None:
    vectors, _ = made(seed)

    found = compare_vectors(kind, vectors, vectors, **OPTIONS.get(kind.name, {}))

    assert found.statistic == pytest.approx(1.0, abs=1e-12)
    assert (found.n_compared, found.left_out) == (40, 0)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_symmetric_and_in_range(compare_vectors: Compare, kind: VectorType, seed: int) -> None:
    first, second = made(seed)

    there, back = (
        compare_vectors(kind, *pair, **OPTIONS.get(kind.name, {})).statistic
        for pair in ((first, second), (second, first))
    )

    assert there == pytest.approx(back, abs=1e-12)
    assert kind.lowest_threshold <= there <= kind.highest_threshold


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
def test_neither_order_nor_chunks_nor_lengths_of_vectors_matter(
    compare_vectors: Compare, kind: VectorType, seed: int
) -> None:
    first, second = made(seed)
    order = np.random.default_rng(seed).permutation(len(first))
    lengths = 2.0 ** np.random.default_rng(seed).integers(-300, 300, size=(len(first), 1))

    options = OPTIONS.get(kind.name, {})
    expected = compare_vectors(kind, first, second, **options).statistic
    found = compare_vectors(
        kind, first[order] * lengths, second[order], ids=order, at_once=1000, **options
    ).statistic

    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_vectors_with_something_else_than_numbers_are_left_out(
    compare_vectors: Compare, kind: VectorType, broken: float
) -> None:
    first, second = made(1)
    options = OPTIONS.get(kind.name, {})
    expected = compare_vectors(kind, first[1:], second[1:], ids=np.arange(1, 40), **options).statistic
    second[0, 2] = broken

    found = compare_vectors(kind, first, second, **options)

    assert found.statistic == pytest.approx(expected, abs=1e-12)
    assert (found.n_compared, found.left_out, found.details["shared"]) == (39, 1, 40)
    assert found.details["left_out"] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_an_id_there_is_no_figure(compare_vectors: Compare, kind: VectorType) -> None:
    found = compare_vectors(kind, np.empty((0, 3)), np.empty((0, 3)))

    assert np.isnan(found.statistic)
    assert found.n_compared == 0


@pytest.mark.parametrize("kind", KINDS)
def test_with_broken_vectors_alone_there_is_no_figure(compare_vectors: Compare, kind: VectorType) -> None:
    found = compare_vectors(kind, np.full((5, 3), np.nan), np.ones((5, 3)))

    assert np.isnan(found.statistic)
    assert (found.n_compared, found.left_out) == (0, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_as_good(compare_vectors: Compare, kind: VectorType) -> None:
    first, second = (side.astype(np.float32) for side in made(3))
    options = OPTIONS.get(kind.name, {})

    found = compare_vectors(kind, first, second, **options).statistic

    exact = compare_vectors(kind, first.astype(np.float64), second.astype(np.float64), **options).statistic
    assert found == pytest.approx(exact, abs=1e-6)


def test_a_profile_cannot_stand_in_for_vectors() -> None:
    assert not any(kind.profiled for kind in TYPES.values() if isinstance(kind, VectorType))
