"""Many values in few statements, each with as many as every database takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

SIZE = 500

Value = TypeVar("Value")


def batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Cut values into parts of `SIZE` at most, in order; of none there is no part."""
    for start in range(0, len(values), SIZE):
        yield values[start : start + SIZE]
