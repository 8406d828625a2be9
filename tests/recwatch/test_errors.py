import inspect

import pytest

from recwatch import errors


def test_one_root() -> None:
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert all(issubclass(value, errors.RecwatchError) for value in classes)


def test_the_tree_at_the_top_is_complete() -> None:
    assert errors.__doc__ is not None
    for name, value in vars(errors).items():
        if inspect.isclass(value):
            assert name in errors.__doc__


@pytest.mark.parametrize("reason", ["locked", "unavailable"])
def test_a_store_error_says_why_in_a_word(reason: str) -> None:
    assert errors.StoreError("gone", reason=reason).reason == reason


def test_a_store_error_is_unavailable_unless_said_otherwise() -> None:
    assert errors.StoreError("gone").reason == "unavailable"
