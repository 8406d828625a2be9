import pandas as pd
import pytest

from recwatch_exporter.checks.duplicates import repeats


@pytest.mark.parametrize("keys", [[], [1], [1, 2, 3], [1, 1, 1], [1, 2, 2, 3, 3, 3]])
def test_all_but_the_first_of_a_key_are_too_many(keys: list[int]) -> None:
    series = pd.Series(keys, dtype="int64")

    assert repeats(len(series), series.nunique()) == series.duplicated().sum()
