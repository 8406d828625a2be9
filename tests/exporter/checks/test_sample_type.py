import pytest

from recwatch_exporter.checks.base import Options
from recwatch_exporter.checks.sample_type import SampleTerms


@pytest.mark.parametrize(
    ("columns", "dimensions", "names"),
    [
        (("a", "b"), 2, ("a", "b")),
        (("a",), 1, ("a",)),
        (("vector",), 3, ("vector[0]", "vector[1]", "vector[2]")),
    ],
)
def test_every_number_of_a_row_has_a_name(
    columns: tuple[str, ...], dimensions: int, names: tuple[str, ...]
) -> None:
    assert SampleTerms(columns=columns, seed=0, permutations=9, options=Options()).names(dimensions) == names
