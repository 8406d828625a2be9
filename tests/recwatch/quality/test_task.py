from collections.abc import Sequence

import pytest

from recwatch.quality import Classification, Measured, Ranking, Regression, Suggestions, Task
from recwatch.quality.task import measured

TASKS: Sequence[Task] = [
    Classification(),
    Regression(),
    Ranking(),
    Ranking(k=3, catalogue=5, popularity={1: 0.5}),
    Suggestions(),
]


def test_what_has_no_value_is_left_out() -> None:
    nan, inf = float("nan"), float("inf")
    assert measured(a=(1.0, 2), b=(None, 2), c=(nan, 2), d=(inf, 2)) == {"a": Measured(1.0, 2)}


@pytest.mark.parametrize("task", TASKS)
def test_names_are_distinct(task: Task) -> None:
    assert len(set(task.columns)) == len(task.columns)
    assert len(set(task.averaged)) == len(task.averaged)
