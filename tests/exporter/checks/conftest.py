"""Vectors and rows in memory, for check types that read them as streams."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from recwatch_exporter.checks.sample_type import Sampled, SampleTerms, SampleType
from recwatch_exporter.checks.vector_type import Compared, Terms, VectorType
from recwatch_exporter.data import Pairs, Sample


class Memory:
    """`data.Rows` of an array; a sample is drawn by its seed."""

    def __init__(self, values: ArrayLike, clusters: ArrayLike | None = None, *, at_once: int = 1000) -> None:
        self._values = np.asarray(values, dtype=np.float64)
        self._clusters = None if clusters is None else np.asarray(clusters)
        self._at_once = at_once
        self.n, self.dimensions = self._values.shape
        self.left_out = 0

    def sample(self, size: int, *, seed: int) -> Sample:
        return self._rows(np.random.default_rng(seed).permutation(self.n)[:size])

    def batches(self) -> Iterator[Sample]:
        for start in range(0, self.n, self._at_once):
            yield self._rows(slice(start, start + self._at_once))

    def _rows(self, rows: Any) -> Sample:
        return Sample(self._values[rows], None if self._clusters is None else self._clusters[rows])


@pytest.fixture
def memory() -> type[Memory]:
    return Memory


@pytest.fixture
def compare_rows() -> Callable[..., Sampled]:
    """Compare two arrays of rows by a type, through what it freezes of the first."""

    def compare(
        kind: SampleType,
        reference: ArrayLike,
        current: ArrayLike,
        *,
        clusters: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
        permutations: int = 99,
        seed: int = 0,
        **options: Any,
    ) -> Sampled:
        rows = Memory(reference, clusters[0]), Memory(current, clusters[1])
        terms = SampleTerms(
            columns=tuple(f"f{number}" for number in range(rows[0].dimensions)),
            seed=seed,
            permutations=permutations,
            options=kind.options(**options),
            clustered=clusters[0] is not None,
        )
        return kind.compare(kind.freeze(rows[0], terms), rows[1], terms)

    return compare


@pytest.fixture(scope="session")
def compare_vectors() -> Callable[..., Compared]:
    """Compare two arrays of vectors by a type, row by row of the same id, some rows at a time."""

    def compare(
        kind: VectorType,
        reference: NDArray[Any],
        current: NDArray[Any],
        *,
        ids: NDArray[Any] | None = None,
        at_once: int = 7,
        threshold: float = 0.9,
        **options: Any,
    ) -> Compared:
        names = np.arange(len(reference)) if ids is None else ids

        def stream() -> Iterator[Pairs]:
            for start in range(0, len(names), at_once):
                rows = slice(start, start + at_once)
                yield Pairs(names[rows], reference[rows], current[rows])

        return kind.compare(stream, Terms(threshold=threshold, seed=0, options=kind.options(**options)))

    return compare
